// SPDX-License-Identifier: MIT
// refused: GCC 12 destroys a lambda that captures by value twice inside co_await: capture by reference
// only: gcc<13
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

using namespace std::chrono_literals;
namespace workflow = temporal::workflow;

struct Order {
  temporal::Task<> run(std::string wanted) {
#ifdef REFUSED
    co_await workflow::wait_condition([this, wanted] { return state_ == wanted; });
#else
    co_await workflow::wait_condition([&] { return state_ == wanted; });
    co_await workflow::wait_condition([this] { return !state_.empty(); }, 1h);
#endif
  }
  std::string state_;
};

void shop(temporal::Module& m) { m.workflow<Order>(); }
