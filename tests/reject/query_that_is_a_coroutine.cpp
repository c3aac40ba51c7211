// SPDX-License-Identifier: MIT
// Q013
// refused: a query is answered at once: its handler returns a value, no Task
#include <temporal/module.hpp>

struct Cart {
  temporal::Task<> run() { co_return; }
  temporal::Task<int> total() const { co_return 1; }
  int total_now() const { return 1; }
};

void shop(temporal::Module& m) {
#ifdef REFUSED
  m.workflow<Cart>().query<&Cart::total>();
#else
  m.workflow<Cart>().query<&Cart::total_now>();
#endif
}
