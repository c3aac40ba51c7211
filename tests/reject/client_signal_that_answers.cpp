// SPDX-License-Identifier: MIT
// refused: a signal has nobody to answer to
#include <temporal/client.hpp>

struct Cart {
  temporal::Task<> run() { co_return; }
  int add(std::string) { return 1; }
};

void tell(const temporal::WorkflowHandle<Cart>& cart) {
#ifdef REFUSED
  cart.signal<&Cart::add>("tea");
#else
  cart.update<&Cart::add>("tea");
#endif
}
