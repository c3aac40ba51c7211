// SPDX-License-Identifier: MIT
// refused: this handler is a method of another workflow's class
#include <temporal/client.hpp>

struct Cart {
  temporal::Task<> run() { co_return; }
  void check_out() {}
};
struct Order {
  temporal::Task<> run() { co_return; }
  void check_out() {}
};

void tell(const temporal::WorkflowHandle<Order>& order) {
#ifdef REFUSED
  order.signal<&Cart::check_out>();
#else
  order.signal<&Order::check_out>();
#endif
}
