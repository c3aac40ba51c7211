// SPDX-License-Identifier: MIT
// SIGHUP asks for the code as it is now.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>

namespace temporal::supervisor {

/// From its construction on SIGHUP no longer ends the process. Thread rule: core loop only.
class ReloadSignal {
 public:
  ReloadSignal(boost::asio::io_context& core, std::function<void()> reload);

 private:
  void wait();

  std::function<void()> reload_;
  boost::asio::signal_set signal_;
};

}  // namespace temporal::supervisor
