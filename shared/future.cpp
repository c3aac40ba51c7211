// SPDX-License-Identifier: MIT
#include "temporal/future.hpp"

#include <memory>
#include <utility>

#include "temporal/workflow.hpp"

namespace temporal::workflow::detail {

FutureState::~FutureState() = default;
PayloadState::~PayloadState() = default;

void FutureState::succeed() {
  if (!done_) finish();
}

void FutureState::fail(std::exception_ptr error) {
  if (done_) return;
  error_ = std::move(error);
  finish();
}

void FutureState::finish() {
  done_ = true;
  on_cancel_ = nullptr;  // often holds what holds this
  for (auto waiter : std::exchange(waiters_, {})) trampoline_->ready(waiter);
  for (auto& callback : std::exchange(callbacks_, {})) callback();
}

void FutureState::on_done(std::function<void()> callback) {
  if (done_) return callback();
  callbacks_.push_back(std::move(callback));
}

PlainFuture all_done(const std::vector<PlainFuture>& states) {
  auto result = std::make_shared<FutureState>(current().trampoline());
  auto left = std::make_shared<std::size_t>(states.size());
  if (states.empty()) result->succeed();
  for (const auto& state : states) {
    // The state outlives its callbacks, so a plain pointer to it is enough and makes no cycle.
    state->on_done([result, left, watched = state.get()] {
      if (watched->error()) return result->fail(watched->error());
      if (--*left == 0) result->succeed();
    });
  }
  return result;
}

}  // namespace temporal::workflow::detail
