// SPDX-License-Identifier: MIT
// refused: these arguments do not fit the signal's handler: count and types must be those of its parameters
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

namespace workflow = temporal::workflow;

struct Cart {
  void add(std::string, int) {}
};

struct Shop {
  temporal::Task<> run() {
#ifdef REFUSED
    co_await workflow::external("cart-42").signal<&Cart::add>("tea");
#else
    co_await workflow::external("cart-42").signal<&Cart::add>("tea", 2);
#endif
  }
};

void shop(temporal::Module& m) { m.workflow<Shop>(); }
