// SPDX-License-Identifier: MIT
// A task's way through the pool: it waits in its share's line, takes a child, and brings home what became of it.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <string>
#include <system_error>
#include <utility>

#include "supervisor/children/child_pool.hpp"

namespace temporal::supervisor::children {
namespace {

namespace asio = boost::asio;
namespace v1 = temporal::child::v1;

// A child's claim that it did not take a task is believed so often: it might have been the task that killed it.
constexpr int kUntakenAllowed = 3;
constexpr auto kResourceRetry = std::chrono::milliseconds(100);

}  // namespace

asio::awaitable<Outcome> ChildPool::run(v1::Start start, AttemptHandle& handle, Share share) {
  if (shares_.size(share) == 0)
    co_return Failed{failure_of(share == Share::polled
                                    ? "this worker has no child processes"
                                    : "this worker has no child processes to hand work over to",
                                kWorkerResources)};
  handle.share_ = share;
  auto patience_ends = Clock::now() + options_.resource_patience;
  int untaken = 0;
  for (;;) {
    auto child = take_child_now(share, handle);
    if (!child) child = co_await wait_for_child(share, handle);
    if (!child) co_return refusal(handle);
    const auto size = start.ByteSizeLong();  // what is over the cap is refused at once
    const bool large = size > kBesideTheLoop && size <= options_.child.largest_bulk;
    auto sent = ipc::Send::done;
    if (large) {
      sent = co_await stage(child, start, handle);
      if (child->state() != Child::State::idle) continue;  // it died meanwhile
      if (!accepting_ || handle.terminated_) {
        put_back(child);
        co_return refusal(handle);
      }
    }
    if (sent == ipc::Send::done) sent = child->assign(start, handle, large);
    switch (sent) {
      case ipc::Send::done: {
        watch();
        auto receive = [&](Completion<Answer> completion) {
          child->answer_to(std::move(completion));
          if (handle.on_started) handle.on_started();
        };
        auto answer = co_await Completion<Answer>::wait(receive);
        if (answer.taken || ++untaken > kUntakenAllowed) co_return std::move(answer.outcome);
        break;  // another one takes it
      }
      case ipc::Send::too_large:
        put_back(child);
        co_return Failed{failure_of(
            "the arguments of this activity have " + std::to_string(start.ByteSizeLong()) +
                " bytes, which is over the limit; store them elsewhere and pass their address",
            kPayloadTooLarge, true)};
      case ipc::Send::corrupt:
        break;  // that child is being killed
      case ipc::Send::full:
      case ipc::Send::no_resources:
      case ipc::Send::need_segment:  // a child's only
        put_back(child);
        if (Clock::now() >= patience_ends)
          co_return Failed{
              failure_of("no memory or descriptor to start this activity with", kWorkerResources)};
        co_await pause(kResourceRetry);
        break;
    }
  }
}

asio::awaitable<ipc::Send> ChildPool::stage(const std::shared_ptr<Child>& child, v1::Start& start,
                                            AttemptHandle& handle) {
  child->begin_staging(start, handle);
  auto beside = [&](Completion<ipc::Send> done) {
    asio::post(beside_the_loop(), [core = core_, child = std::shared_ptr(child), &start,
                                   done = std::move(done)]() mutable {
      const auto staged = child->stage(start);
      // With the last hold on the child: it must not end on this thread.
      asio::post(core, [child = std::move(child), staged, done = std::move(done)]() mutable {
        done.complete(staged);
      });
    });
  };
  const auto staged = co_await Completion<ipc::Send>::wait(beside);
  child->end_staging();
  co_return staged;
}

asio::any_io_executor ChildPool::beside_the_loop() {
  try {
    if (!beside_) beside_.emplace(1);
  } catch (const std::system_error& error) {
    log_.warn("no thread to copy large messages on: the core loop is held by them",
              {{"why", error.what()}});
    return core_;
  }
  return beside_->get_executor();
}

std::shared_ptr<Child> ChildPool::take_child_now(Share share, const AttemptHandle& handle) {
  const bool may = accepting_ && !handle.terminated_ && line_of(share).length() == 0;
  return may ? take_idle(share) : nullptr;
}

asio::awaitable<std::shared_ptr<Child>> ChildPool::wait_for_child(Share share,
                                                                  AttemptHandle& handle) {
  std::optional<WaitingLine::Place> place;
  for (;;) {
    if (!accepting_ || handle.terminated_) co_return nullptr;
    if (place && place->first())
      if (auto child = take_idle(share)) co_return child;
    if (degraded_ && share == Share::offload) co_return nullptr;
    if (place) {
      co_await place->wait();
    } else {
      place.emplace(core_, line_of(share), handle);
      spawn_missing();
    }
  }
}

std::shared_ptr<Child> ChildPool::take_idle(Share share) {
  if (!only_polled_tasks_take_them() && shares_.free(share, census()) <= 0) return nullptr;
  while (!idle_.empty()) {
    auto child = std::move(idle_.back().child);
    idle_.pop_back();
    if (child->state() == Child::State::idle) return child;  // otherwise it dies just now
  }
  return nullptr;
}

bool ChildPool::kill_task(pid_t pid) {
  const auto found = std::ranges::find_if(children_, [pid](const auto& entry) {
    return entry.second->pid() == pid && entry.second->attempt();
  });
  if (found == children_.end()) return false;
  found->second->attempt()->kill();
  return true;
}

void ChildPool::put_back(const std::shared_ptr<Child>& child) {
  if (stopping_) return child->quit();
  if (child->leaves() || take_excess()) return dismiss(*child, "stopped");
  idle_.push_back({child, Clock::now()});
  wake_lines();
  reap_later();
}

void ChildPool::wake_lines() {
  polled_.wake_first();
  offloaded_.wake_first();
}

Outcome ChildPool::refusal(const AttemptHandle& handle) const {
  if (handle.terminated_ && handle.terminated_ != KillReason::worker_shutdown)
    return Failed{failure_of("stopped before it had a child", kProcessKilled)};
  if (handle.terminated_ || !accepting_)
    return Failed{failure_of("the worker is shutting down", kWorkerShutdown)};
  return Failed{failure_of("children die as fast as they are replaced: there is none for this",
                           kWorkerResources)};
}

}  // namespace temporal::supervisor::children
