// SPDX-License-Identifier: MIT
#include "child/executor.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <thread>

#include "child/limits.hpp"
#include "shared/failure_proto.hpp"
#include "shared/homes.hpp"
#include "shared/module_loader.hpp"
#include "shared/payload_proto.hpp"

namespace temporal::child {
namespace {

using ipc::Receive;
using ipc::RecordType;
using ipc::Send;

constexpr auto kAskAgain = std::chrono::milliseconds(1);
// The other side of "no resources" is usually a neighbour that ends soon.
constexpr int kResourceTries = 5'000;

api::failure::v1::Failure failure_of(std::string message, std::string_view type,
                                     bool non_retryable) {
  api::failure::v1::Failure failure;
  ApplicationErrorOptions options;
  options.type = type;
  options.non_retryable = non_retryable;
  to_failure_proto(ApplicationError(std::move(message), options), &failure);
  return failure;
}

}  // namespace

int Executor::run() {
  ipc::Channel& channel = surroundings_.channel;
  while (!lost_) {
    switch (channel.receive()) {
      case Receive::none:
        channel.about_to_sleep();
        if (!channel.has_message() && !waiter_.wait()) return kExitArena;
        channel.awake();
        break;
      case Receive::corrupt:
        return kExitArena;
      case Receive::no_resources:
        ++task_;
        fail(failure_of("no memory for the arguments of this activity", "WorkerResources", false));
        break;
      case Receive::message:
        switch (channel.type()) {
          case RecordType::start:
            ++task_;
            if (!channel.parse(start_)) return kExitArena;
            execute();
            break;
          case RecordType::ping: {
            v1::Ping ping;
            if (!channel.parse(ping)) return kExitArena;
            v1::Pong pong;
            pong.set_number(ping.number());
            answer(RecordType::pong, pong);
            break;
          }
          case RecordType::quit:
            return stop_hooks();
          default:
            return kExitArena;
        }
        break;
    }
  }
  return kExitArena;
}

int Executor::stop_hooks() {
  try {
    run_hooks(module_.child_stop_hooks(), "on_child_stop");
  } catch (const ModuleError& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return kExitQuit;
}

Executor::Callee Executor::callee() const {
  if (!start_.function().empty()) {
    const auto found = module_.offloaded().find(start_.function());
    if (found == module_.offloaded().end()) return {};
    return {.function = &found->second, .limits = {}};
  }
  const auto* activity = module_.find_activity(start_.activity_type());
  if (!activity || !activity->call) return {};
  return {.function = &activity->call, .limits = activity->limits};
}

void Executor::execute() {
  const auto found = callee();
  if (!found.function) {
    const auto& name = start_.function().empty() ? start_.activity_type() : start_.function();
    fail(failure_of("nothing called \"" + name + "\" runs in a child of this worker",
                    "NotFoundError", false));
    return;
  }
  {
    ChildContext context(surroundings_, start_);
    call(found, context);
  }
  // Lines of one task must not appear with the next.
  std::fflush(stdout);
}

void Executor::call(const Callee& callee, ChildContext& context) {
  // Nothing is sent inside the handlers: one call, one answer, whatever is thrown where.
  RecordType type = RecordType::failed;
  v1::Completed completed;
  v1::Canceled canceled;
  api::failure::v1::Failure failure;
  try {
    activity::Context for_user(context);
    auto most = callee.limits;
    if (most.memory == 0) most.memory = memory_;
    const TaskLimits limits(most);
    to_proto((*callee.function)(for_user, from_proto(start_.input())),
             completed.mutable_result()->add_payloads());
    type = RecordType::completed;
  } catch (const CompleteAsync&) {
    type = RecordType::async;
  } catch (const Cancelled& cancelled) {
    if (context.cancel_reason()) {
      type = RecordType::canceled;
      to_proto(cancelled.details(), canceled.mutable_details());
    } else {
      // Nobody asked for it: a failure like any other.
      to_failure_proto(cancelled, &failure);
    }
  } catch (...) {
    to_failure_proto(std::current_exception(), &failure);
  }
  context.flush_metrics();

  if (type == RecordType::completed) {
    completed.set_task(task_);
    answer(type, completed);
  } else if (type == RecordType::canceled) {
    canceled.set_task(task_);
    answer(type, canceled);
  } else if (type == RecordType::async) {
    v1::Async async;
    async.set_task(task_);
    answer(type, async);
  } else {
    fail(failure);
  }
}

void Executor::fail(const api::failure::v1::Failure& failure) {
  v1::Failed failed;
  failed.set_task(task_);
  *failed.mutable_failure() = failure;
  answer(RecordType::failed, failed);
}

void Executor::answer(RecordType type, const google::protobuf::MessageLite& message) {
  int resource_tries = 0;
  for (;;) {
    switch (surroundings_.channel.send(type, message)) {
      case Send::done:
        return;
      case Send::corrupt:
        lost_ = true;
        return;
      case Send::full:
        break;
      case Send::no_resources:
        if (++resource_tries < kResourceTries) break;
        return fail(failure_of("no memory or descriptor to send the result of this activity",
                               "WorkerResources", false));
      case Send::too_large:
        return fail(failure_of("the result of this activity has " +
                                   std::to_string(message.ByteSizeLong()) +
                                   " bytes, which is over the limit; store it elsewhere and return "
                                   "its address",
                               "PayloadTooLarge", true));
    }
    std::this_thread::sleep_for(kAskAgain);
  }
}

}  // namespace temporal::child
