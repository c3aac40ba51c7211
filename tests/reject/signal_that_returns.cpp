// SPDX-License-Identifier: MIT
// refused: a signal has nobody to answer to: its handler returns void or Task<>
#include <temporal/module.hpp>

struct Order {
  temporal::Task<> run() { co_return; }
#ifdef REFUSED
  int pay(int cents) { return paid_ += cents; }
#else
  void pay(int cents) { paid_ += cents; }
#endif
  temporal::Task<> ship() { co_return; }
  int paid_ = 0;
};

void shop(temporal::Module& m) { m.workflow<Order>().signal<&Order::pay>().signal<&Order::ship>(); }
