#pragma once

#include <chrono>
#include <string>
#include <temporal/workflow.hpp>
#include <vector>

namespace workflow = temporal::workflow;

struct Item {
  std::string sku;
  int quantity;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(Item, sku, quantity)
};

std::string charge(std::string cart, std::vector<Item> items);

// Talked to while it runs: a signal tells, a query asks, an update does both.
class Cart {
 public:
  temporal::Task<std::string> run() {
    co_await workflow::wait_condition([&] { return checked_out_; });
    co_return co_await workflow::execute_activity<charge>(
        {.start_to_close_timeout = std::chrono::seconds(30)}, workflow::info().workflow_id, items_);
  }

  void check_out() { checked_out_ = true; }
  int total_items() const { return int(items_.size()); }

  temporal::Task<int> add(Item item) {
    items_.push_back(item);
    co_return total_items();
  }
  // Says no by an exception: then nothing of the update is recorded.
  void check_add(const Item& item) const {
    if (checked_out_) throw temporal::ApplicationError("the cart is closed");
    if (item.quantity < 1) throw temporal::ApplicationError("quantity must be positive");
  }

 private:
  std::vector<Item> items_;
  bool checked_out_ = false;
};
