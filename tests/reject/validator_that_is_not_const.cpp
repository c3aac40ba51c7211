// SPDX-License-Identifier: MIT
// refused: a validator only looks: it is const
#include <temporal/module.hpp>

struct Cart {
  temporal::Task<> run() { co_return; }
  int add(int n) { return n; }
  void count(int) {}
  void check(int) const {}
};

void shop(temporal::Module& m) {
#ifdef REFUSED
  m.workflow<Cart>().update<&Cart::add, &Cart::count>();
#else
  m.workflow<Cart>().update<&Cart::add, &Cart::check>();
#endif
}
