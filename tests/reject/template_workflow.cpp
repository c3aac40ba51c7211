// SPDX-License-Identifier: MIT
// refused: a class in an anonymous namespace or a template has no name of its own: give it one
#include <temporal/module.hpp>

template <class T>
struct Order {
  temporal::Task<> run(T) { co_return; }
};

void shop(temporal::Module& m) {
#ifdef REFUSED
  m.workflow<Order<int>>();
#else
  m.workflow<Order<int>>({.name = "Order"});
#endif
}
