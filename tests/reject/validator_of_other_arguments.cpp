// SPDX-License-Identifier: MIT
// refused: a validator takes what its update's handler takes
#include <string>
#include <temporal/module.hpp>

struct Cart {
  temporal::Task<> run() { co_return; }
  int add(int n) { return n; }
  void check_text(const std::string&) const {}
  void check(const int&) const {}
};

void shop(temporal::Module& m) {
#ifdef REFUSED
  m.workflow<Cart>().update<&Cart::add, &Cart::check_text>();
#else
  m.workflow<Cart>().update<&Cart::add, &Cart::check>();
#endif
}
