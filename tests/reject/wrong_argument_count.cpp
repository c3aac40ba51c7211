// SPDX-License-Identifier: MIT
// refused: these arguments do not fit the activity: count and types must be those of its parameters
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

using namespace std::chrono_literals;
namespace workflow = temporal::workflow;

std::string charge(temporal::activity::Context&, std::string customer, int cents) {
  return customer + std::to_string(cents);
}

struct Order {
  temporal::Task<std::string> run() {
#ifdef REFUSED
    co_return co_await workflow::execute_activity<charge>({.start_to_close_timeout = 10s}, "ann");
#else
    co_return co_await workflow::execute_activity<charge>({.start_to_close_timeout = 10s}, "ann",
                                                          1);
#endif
  }
};

void shop(temporal::Module& m) { m.workflow<Order>(); }
