// SPDX-License-Identifier: MIT
#include "temporal/future.hpp"

#include <memory>
#include <stdexcept>
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
  for (auto* waiter : std::exchange(waiters_, {})) trampoline_->ready(*waiter);
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

std::shared_ptr<ValueState<std::size_t>> first_done(const std::vector<PlainFuture>& states) {
  if (states.empty()) throw std::invalid_argument("the first of no futures was asked for");
  auto result = std::make_shared<ValueState<std::size_t>>(current().trampoline());
  for (std::size_t i = 0; i < states.size(); ++i)
    states[i]->on_done([result, i] {
      if (!result->done()) result->value = i;
      result->succeed();
    });
  return result;
}

}  // namespace temporal::workflow::detail
