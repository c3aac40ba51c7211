// SPDX-License-Identifier: MIT
// refused: this type does not say how it is read from JSON
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>

#ifdef REFUSED
struct Item {
  std::string sku;
};
#else
struct Item {
  std::string sku;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(Item, sku)
};
#endif

std::string pick(Item item) { return item.sku; }

void shop(temporal::Module& m) { m.activity<pick>(); }
