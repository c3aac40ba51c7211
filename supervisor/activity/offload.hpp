// SPDX-License-Identifier: MIT
// A coroutine activity has something to do that would block its loop. Two ways out: a thread of
// this process, or a child process as part of the same attempt.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <string>

#include "supervisor/activity/child_executor.hpp"
#include "supervisor/threads/activity_threads.hpp"
#include "temporal/activity.hpp"

namespace temporal::supervisor {

/// Answers activity::in_child() and activity::to_thread() on the loops it was set for. Thread rule:
/// made and ended on the core loop, called on the loops of user coroutines.
class LoopOffload final : public activity::detail::Offload {
 public:
  /// `children`: null where the worker has none to hand over to.
  LoopOffload(boost::asio::any_io_executor core, ChildExecutor* children, ActivityThreads& threads);

  boost::asio::awaitable<Payload> in_child(activity::Context* context, std::string function,
                                           Payloads arguments) override;
  boost::asio::awaitable<void> to_thread(std::function<void()> work) override;

 private:
  class Call;

  boost::asio::any_io_executor core_;
  ChildExecutor* children_;
  ActivityThreads& threads_;
};

}  // namespace temporal::supervisor
