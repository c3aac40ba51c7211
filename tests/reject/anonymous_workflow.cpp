// SPDX-License-Identifier: MIT
// refused: a class in an anonymous namespace or a template has no name of its own: give it one
#include <temporal/module.hpp>

namespace {
struct Order {
  temporal::Task<> run() { co_return; }
};
}  // namespace

void shop(temporal::Module& m) {
#ifdef REFUSED
  m.workflow<Order>();
#else
  m.workflow<Order>({.name = "Order"});
#endif
}
