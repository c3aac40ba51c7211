// SPDX-License-Identifier: MIT
// refused: a handler is a method of its workflow's class
#include <temporal/module.hpp>

struct Cart {
  void check_out() {}
};
struct Order {
  temporal::Task<> run() { co_return; }
  void check_out() {}
};

void shop(temporal::Module& m) {
#ifdef REFUSED
  m.workflow<Order>().signal<&Cart::check_out>();
#else
  m.workflow<Order>().signal<&Order::check_out>();
#endif
}
