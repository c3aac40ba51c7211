// SPDX-License-Identifier: MIT
// refused: GCC 12 destroys a braced temporary twice inside co_await: name the argument first
// only: gcc<13
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

using namespace std::chrono_literals;
namespace workflow = temporal::workflow;

struct Item {
  std::string sku;
  int quantity = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Item, sku, quantity)

struct Order {
  temporal::Task<std::string> run() {
#ifdef REFUSED
    co_return co_await workflow::execute_activity<std::string>(
        "Reserve", {.start_to_close_timeout = 10s}, Item{"tea", 2});
#else
    Item item{"tea", 2};
    co_return co_await workflow::execute_activity<std::string>(
        "Reserve", {.start_to_close_timeout = 10s}, item);
#endif
  }
};

void shop(temporal::Module& m) { m.workflow<Order>(); }
