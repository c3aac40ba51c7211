// SPDX-License-Identifier: MIT
// refused: a workflow's run() is a coroutine: it returns temporal::Task<T>
#include <temporal/module.hpp>

struct Order {
#ifdef REFUSED
  boost::asio::awaitable<int> run() { co_return 1; }
#else
  temporal::Task<int> run() { co_return 1; }
#endif
};

void shop(temporal::Module& m) { m.workflow<Order>(); }
