// SPDX-License-Identifier: MIT
// refused: a function in an anonymous namespace, a template or a lambda has no name of its own: give it one
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

using namespace std::chrono_literals;
namespace workflow = temporal::workflow;

namespace {
int charge(int cents) { return cents; }
}  // namespace

struct Order {
  temporal::Task<int> run() {
#ifdef REFUSED
    co_return co_await workflow::execute_activity<charge>({.start_to_close_timeout = 10s}, 999);
#else
    co_return co_await workflow::execute_activity<int>("charge", {.start_to_close_timeout = 10s},
                                                       999);
#endif
  }
};

void shop(temporal::Module& m) {
  m.workflow<Order>();
  m.activity<charge>({.name = "charge"});
}
