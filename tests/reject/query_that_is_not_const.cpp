// SPDX-License-Identifier: MIT
// Q013
// refused: a query only looks: its handler is const
#include <temporal/module.hpp>

struct Cart {
  temporal::Task<> run() { co_return; }
  int total() { return 1; }
  int total_now() const { return 1; }
};

void shop(temporal::Module& m) {
#ifdef REFUSED
  m.workflow<Cart>().query<&Cart::total>();
#else
  m.workflow<Cart>().query<&Cart::total_now>();
#endif
}
