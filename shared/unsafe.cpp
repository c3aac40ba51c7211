// SPDX-License-Identifier: MIT
#include "temporal/unsafe.hpp"

#include "shared/guarded_step.hpp"

namespace temporal {

namespace detail {

constinit thread_local GuardedStep* guarded_step = nullptr;

}  // namespace detail

namespace workflow::unsafe {

allow::allow() noexcept : step_(0) {
  if (auto* step = detail::guarded_step) {
    ++step->allowed;
    step_ = step->number;
  }
}

// In a coroutine it may have outlived its step.
allow::~allow() {
  auto* step = detail::guarded_step;
  if (step && step_ == step->number) --step->allowed;
}

}  // namespace workflow::unsafe
}  // namespace temporal
