// SPDX-License-Identifier: MIT
// refused: these arguments do not fit the handler: count and types must be those of its parameters
#include <temporal/client.hpp>

struct Cart {
  temporal::Task<> run() { co_return; }
  temporal::Task<int> add(std::string, int) { co_return 1; }
};

int change(const temporal::WorkflowHandle<Cart>& cart) {
#ifdef REFUSED
  return cart.update<&Cart::add>({.id = "once"}, "tea", "two");
#else
  return cart.update<&Cart::add>({.id = "once"}, "tea", 2);
#endif
}
