// SPDX-License-Identifier: MIT
// Who sees a supervisor grow asks two things: what is it doing, and does it need all that memory? SIGUSR1 answers both:
// a line in the log, and what the heap holds free goes back to the kernel.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <functional>

#include "temporal/log.hpp"

namespace temporal::supervisor {

/// From its construction on SIGUSR1 no longer ends the process. Thread rule: core loop only.
class StateSignal {
 public:
  /// `state` adds its fields to the line that is logged.
  StateSignal(boost::asio::io_context& core, Logger& log, std::function<LogFields()> state);

 private:
  void wait();

  Logger& log_;
  std::function<LogFields()> state_;
  boost::asio::signal_set signal_;
};

}  // namespace temporal::supervisor
