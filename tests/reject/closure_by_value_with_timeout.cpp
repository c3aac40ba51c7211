// SPDX-License-Identifier: MIT
// refused: GCC 12 destroys a lambda that captures by value twice inside co_await: capture by reference
// only: gcc<13
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

using namespace std::chrono_literals;
namespace workflow = temporal::workflow;

struct Order {
  temporal::Task<bool> run(std::string wanted) {
#ifdef REFUSED
    co_return co_await workflow::wait_condition([this, wanted] { return state_ == wanted; }, 1h);
#else
    auto ready = [this, wanted] { return state_ == wanted; };
    co_return co_await workflow::wait_condition(ready, 1h);
#endif
  }
  std::string state_;
};

void shop(temporal::Module& m) { m.workflow<Order>(); }
