// SPDX-License-Identifier: MIT
#include "supervisor/workflow/event_loop.hpp"

#include <exception>
#include <utility>
#include <vector>

#include "supervisor/workflow/sizes.hpp"

namespace temporal::engine {

using workflow::detail::FutureState;

void EventLoop::start(Task<void> root, Scope scope) {
  roots_.push_back(std::move(root));
  roots_.back().promise().scope = std::move(scope);
  trampoline_.ready(roots_.back().promise());
}

void EventLoop::wait(Condition condition) { conditions_.push_back(std::move(condition)); }

void EventLoop::run() {
  do {
    trampoline_.run();
  } while (wake_first_satisfied());
  roots_.remove_if([](const Task<void>& root) { return root.promise().handle.done(); });
}

bool EventLoop::wake_first_satisfied() {
  for (auto one = conditions_.begin(); one != conditions_.end();) {
    // Cancelled, or nobody waits any more and what the predicate looks at may be gone.
    if (one->future->done() || one->future.use_count() == 1) {
      if (one->timer) one->timer->cancel();
      one = conditions_.erase(one);
      continue;
    }
    bool holds = false;
    std::exception_ptr thrown;
    try {
      holds = one->holds();
    } catch (...) {
      thrown = std::current_exception();
    }
    const bool expired = one->timer && one->timer->done() && !one->timer->error();
    if (!holds && !thrown && !expired) {
      ++one;
      continue;
    }
    // The predicate looked at the waiter's locals: it goes before the waiter does.
    const auto condition = std::move(*one);
    conditions_.erase(one);
    if (thrown) {
      condition.future->fail(thrown);
    } else {
      condition.future->value = holds;
      condition.future->succeed();
    }
    if (condition.timer) condition.timer->cancel();
    return true;
  }
  return false;
}

void EventLoop::cancel_with_scope(const std::shared_ptr<FutureState>& future) {
  const auto key = next_pending_++;
  pending_.emplace(key, Pending{future, trampoline_.scope()});
  future->on_done([this, key] {
    if (const auto pending = pending_.extract(key)) done_.push_back(pending.mapped().future);
  });
}

namespace {

// A shield between the two keeps it out.
bool within(const temporal::detail::Scope* inner, const temporal::detail::Scope* outer) {
  for (; inner != outer; inner = inner->parent.get())
    if (!inner || inner->shielded) return false;
  return true;
}

}  // namespace

void EventLoop::cancel_pending(const Scope& scope) {
  std::vector<std::shared_ptr<FutureState>> pending;
  for (const auto& [key, one] : pending_)
    if (auto alive = one.future.lock(); alive && within(one.scope.get(), scope.get()))
      pending.push_back(std::move(alive));
  for (const auto& future : pending) future->cancel();
}

std::size_t EventLoop::bytes() {
  std::erase_if(done_, [](const auto& future) { return future.expired(); });
  auto bytes = trampoline_.frame_bytes();
  bytes += pending_.size() * (sizeof(Pending) + sizeof(workflow::detail::PayloadState));
  for (const auto& future : done_) {
    const auto state = future.lock();
    if (const auto* result = dynamic_cast<const workflow::detail::PayloadState*>(state.get()))
      bytes += sizeof *result + size_of(result->payload);
  }
  return bytes;
}

void EventLoop::destroy() noexcept {
  // A future that outlives the run, in a global of the module say, must find nothing to cancel.
  for (const auto& [key, one] : pending_)
    if (auto alive = one.future.lock()) alive->set_on_cancel(nullptr);
  trampoline_.destroy_all();
  roots_.clear();
  conditions_.clear();
}

}  // namespace temporal::engine
