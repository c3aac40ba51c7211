// SPDX-License-Identifier: MIT
// refused: these arguments do not fit the workflow: count and types must be those of run()
#include <temporal/client.hpp>

struct Order {
  temporal::Task<std::string> run(std::string customer, int cents) {
    co_return customer + std::to_string(cents);
  }
};

std::string order(temporal::Client& client) {
#ifdef REFUSED
  return client.start<Order>({.task_queue = "shop"}, "ann", "999").result();
#else
  return client.start<Order>({.task_queue = "shop"}, "ann", 999).result();
#endif
}
