// SPDX-License-Identifier: MIT
// refused: a query must only look: its handler is a const method
#include <temporal/client.hpp>

struct Cart {
  temporal::Task<> run() { co_return; }
  int add() { return 1; }
  int total() const { return 1; }
};

int ask(const temporal::WorkflowHandle<Cart>& cart) {
#ifdef REFUSED
  return cart.query<&Cart::add>();
#else
  return cart.query<&Cart::total>();
#endif
}
