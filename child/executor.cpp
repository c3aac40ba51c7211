// SPDX-License-Identifier: MIT
#include "child/executor.hpp"

#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <thread>

#include "child/start_in_place.hpp"
#include "shared/decoded_once.hpp"
#include "shared/failure_proto.hpp"
#include "shared/homes.hpp"
#include "shared/payload_proto.hpp"

namespace temporal::child {
namespace {

using ipc::Receive;
using ipc::RecordType;
using ipc::Send;

constexpr auto kAskAgain = std::chrono::milliseconds(1);
// The other side of "no resources" is usually a neighbour that ends soon: 5 s.
constexpr auto kAskAgainForResources = std::chrono::milliseconds(20);
constexpr int kResourceTries = 250;

// Its bytes go over: what is large is not copied here.
Payloads taken_from(api::common::v1::Payloads& from) {
  Payloads payloads;
  payloads.reserve(static_cast<std::size_t>(from.payloads_size()));
  for (auto& one : *from.mutable_payloads()) {
    auto& payload = payloads.emplace_back();
    payload.metadata.insert(one.metadata().begin(), one.metadata().end());
    payload.data = std::move(*one.mutable_data());
  }
  return payloads;
}

void give_to(Payload payload, api::common::v1::Payload* to) {
  for (const auto& [key, value] : payload.metadata) (*to->mutable_metadata())[key] = value;
  to->set_data(std::move(payload.data));
}

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
        if (!wait_for_message()) return kExitArena;
        break;
      case Receive::corrupt:
        return kExitArena;
      case Receive::no_resources:
        ++task_;
        fail_for_memory();
        break;
      case Receive::message:
        switch (channel.type()) {
          case RecordType::start:
            ++task_;
            switch (take_start()) {
              case ipc::Parsed::done:
                execute();
                break;
              case ipc::Parsed::corrupt:
                return kExitArena;
              case ipc::Parsed::no_resources:
                fail_for_memory();
                break;
            }
            break;
          case RecordType::ping:
            if (!pong()) return kExitArena;
            break;
          case RecordType::quit:
            return kExitQuit;
          default:
            return kExitArena;
        }
        break;
    }
  }
  return kExitArena;
}

bool Executor::wait_for_message() {
  ipc::Channel& channel = surroundings_.channel;
  channel.about_to_sleep();
  if (!channel.has_message() && !ipc::wait_for_ring(ear_)) return false;
  channel.awake();
  return true;
}

bool Executor::pong() {
  v1::Ping ping;
  if (!surroundings_.channel.parse(ping)) return false;
  v1::Pong pong;
  pong.set_number(ping.number());
  answer(RecordType::pong, pong);
  return true;
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

ipc::Parsed Executor::take_start() {
  const auto& channel = surroundings_.channel;
  if (channel.bytes().size() > ipc::kInlineLimit)
    return parse_in_place(channel.bytes(), start_, argument_bytes_);
  argument_bytes_.clear();
  return channel.read(start_);
}

void Executor::copy_arguments(std::uint64_t viewing) {
  if (argument_bytes_.empty()) return;
  auto& payloads = *start_.mutable_input()->mutable_payloads();
  for (int i = 0; i < static_cast<int>(argument_bytes_.size()); ++i) {
    auto& bytes = argument_bytes_[static_cast<std::size_t>(i)];
    if (i < 64 && ((viewing >> i) & 1U) != 0) continue;
    if (!bytes.empty()) payloads[i].set_data(bytes.data(), bytes.size());
    bytes = {};
  }
}

void Executor::execute() {
  const auto found = callee();
  if (!found.function) {
    const auto& name = start_.function().empty() ? start_.activity_type() : start_.function();
    fail(failure_of("nothing called \"" + name + "\" runs in a child of this worker",
                    "NotFoundError", false));
    return;
  }
  try {
    copy_arguments(found.function->viewing);
  } catch (const std::bad_alloc&) {
    return fail_for_memory();
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
    const TaskLimits limits(callee.limits, limits_, worn_);
    auto arguments = start_.has_input() ? taken_from(*start_.mutable_input()) : Payloads();
    const detail::DecodedOnce once(arguments, argument_bytes_);
    // Nothing is what most activities return, and needs no bytes.
    static const Payload nothing = temporal::detail::null_payload();
    auto result = (*callee.function)(for_user, arguments);
    if (result != nothing) give_to(std::move(result), completed.mutable_result()->add_payloads());
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

  switch (type) {
    case RecordType::completed:
      return answer_task(type, std::move(completed));
    case RecordType::canceled:
      return answer_task(type, std::move(canceled));
    case RecordType::async:
      return answer_task(type, v1::Async());
    default:
      return fail(std::move(failure));
  }
}

void Executor::fail(api::failure::v1::Failure failure) {
  v1::Failed failed;
  *failed.mutable_failure() = std::move(failure);
  answer_task(RecordType::failed, std::move(failed));
}

template <class Message>
void Executor::answer_task(RecordType type, Message message) {
  message.set_task(task_);
  message.set_worn(worn_);
  answer(type, message);
}

void Executor::fail_for_memory() {
  fail(failure_of("no memory for the arguments of this activity", "WorkerResources", false));
}

// The supervisor answers once. Nothing but pings comes beside that while a task is in hand.
bool Executor::get_segment(std::size_t size) {
  ipc::Channel& channel = surroundings_.channel;
  auto asked = channel.ask_for_segment(size);
  for (; asked == Send::full; asked = channel.ask_for_segment(size))
    std::this_thread::sleep_for(kAskAgain);
  bool good = asked == Send::done;
  while (good) {
    const auto received = channel.receive();
    if (received == Receive::none)
      good = wait_for_message();
    else if (received != Receive::message)
      good = false;
    else if (channel.type() == RecordType::bulk)
      return channel.granted();
    else
      good = channel.type() == RecordType::ping && pong();
  }
  lost_ = true;
  return false;
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
      case Send::need_segment:
        if (get_segment(message.ByteSizeLong())) continue;
        if (lost_) return;
        [[fallthrough]];
      case Send::no_resources:
        if (++resource_tries < kResourceTries) {
          std::this_thread::sleep_for(kAskAgainForResources);
          continue;
        }
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
