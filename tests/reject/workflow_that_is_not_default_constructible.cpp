// SPDX-License-Identifier: MIT
// refused: a workflow class needs a constructor without arguments
#include <temporal/module.hpp>

struct Order {
#ifdef REFUSED
  explicit Order(int) {}
#else
  Order() = default;
#endif
  temporal::Task<> run() { co_return; }
};

void shop(temporal::Module& m) { m.workflow<Order>(); }
