#include "shop.hpp"

#include <temporal/activity.hpp>
#include <temporal/module.hpp>

std::string charge(std::string cart, std::vector<Item> items) {
  return cart + " paid for " + std::to_string(items.size());
}

void shop(temporal::Module& m) {
  m.activity<charge>();
  m.workflow<Cart>()
      .signal<&Cart::check_out>()
      .query<&Cart::total_items>()
      .update<&Cart::add, &Cart::check_add>();
}
TEMPORAL_EXPORT_MODULE(shop);
