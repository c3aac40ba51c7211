// SPDX-License-Identifier: MIT
// refused: a function in an anonymous namespace, a template or a lambda has no name of its own: give it one
#include <temporal/module.hpp>

namespace {
struct Order {
  temporal::Task<> run() { co_return; }
  void pay() {}
};
}  // namespace

void shop(temporal::Module& m) {
#ifdef REFUSED
  m.workflow<Order>({.name = "Order"}).signal<&Order::pay>();
#else
  m.workflow<Order>({.name = "Order"}).signal<&Order::pay>({.name = "pay"});
#endif
}
