// SPDX-License-Identifier: MIT
// As PID 1 of a container, a process is given every orphan there is: who is dead and asked for by nobody stays a zombie until the
// process numbers run out.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <set>

namespace temporal::supervisor {

/// Does nothing in a process with another number. Thread rule: core loop only.
class Init {
 public:
  explicit Init(boost::asio::io_context& core);

 private:
  void look();
  void reap();

  boost::asio::steady_timer next_look_;
  std::set<pid_t> dead_;  // at the last look
};

}  // namespace temporal::supervisor
