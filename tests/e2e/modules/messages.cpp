// SPDX-License-Identifier: MIT
// Workflows that are talked to: by signals, queries and updates.
#include <stdexcept>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/sync.hpp>
#include <temporal/workflow.hpp>
#include <vector>

using namespace std::chrono_literals;
using temporal::Task;
namespace workflow = temporal::workflow;

constexpr temporal::ActivityOptions kQuick{.start_to_close_timeout = 10s};

struct Item {
  std::string sku;
  int quantity;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(Item, sku, quantity)
};

int price(std::string sku) { return int(sku.size()) * 100; }

class Cart {
 public:
  Task<std::vector<Item>> run() {
    workflow::set_current_details("an open cart");
    co_await workflow::wait_condition([&] { return checked_out_; });
    co_return items_;
  }
  void check_out() { checked_out_ = true; }
  void note(std::string text) { notes_.push_back(std::move(text)); }
  void note_any(std::string name, temporal::Payloads arguments) {
    notes_.push_back(name + "/" + std::to_string(arguments.size()));
  }
  void fail() { throw temporal::ApplicationError("somebody said so", {.type = "Said"}); }

  int total_items() const { return int(items_.size()); }
  std::vector<std::string> notes() const { return notes_; }
  std::string any_query(std::string name, temporal::Payloads arguments) const {
    return name + "/" + std::to_string(arguments.size());
  }
  int broken() const { throw std::out_of_range("no such item"); }

  Task<int> add(Item item) {
    const auto lock = co_await mutex_.lock();
    prices_ += co_await workflow::execute_activity<price>(kQuick, item.sku);
    items_.push_back(item);
    co_return prices_;
  }
  void check_add(const Item& item) const {
    if (item.quantity < 1) throw temporal::ApplicationError("quantity must be positive");
  }
  int add_now(Item item) {
    items_.push_back(item);
    return total_items();
  }
  void refuse() { throw temporal::ApplicationError("not today", {.type = "Refused"}); }
  void cancel_itself() { throw temporal::Cancelled("cancelled by its handler"); }
  Task<std::string> wait_for_note() {
    co_await workflow::wait_condition([&] { return !notes_.empty(); });
    co_return notes_.front() + " for " + workflow::current_update()->id;
  }

 private:
  workflow::Mutex mutex_;
  std::vector<Item> items_;
  std::vector<std::string> notes_;
  int prices_ = 0;
  bool checked_out_ = false;
};

// Ends in the task in which its update comes.
class Once {
 public:
  Task<int> run() {
    co_await workflow::wait_condition([&] { return asked_; });
    co_return 1;
  }
  std::string ask() {
    asked_ = true;
    return "asked";
  }

 private:
  bool asked_ = false;
};

class NeverDone {
 public:
  Task<> run() {
    co_await workflow::wait_condition([&] { return leave_; });
  }
  Task<> for_ever() {
    co_await workflow::wait_condition([] { return false; });
  }
  void leave() { leave_ = true; }

 private:
  bool leave_ = false;
};

void messages(temporal::Module& m) {
  m.activity<price>();
  m.workflow<Cart>()
      .signal<&Cart::check_out>()
      .signal<&Cart::note>({.name = "remark", .description = "what somebody says"})
      .dynamic_signal<&Cart::note_any>()
      .signal<&Cart::fail>()
      .query<&Cart::total_items>()
      .query<&Cart::notes>()
      .dynamic_query<&Cart::any_query>()
      .query<&Cart::broken>()
      .update<&Cart::add, &Cart::check_add>()
      .update<&Cart::add_now>()
      .update<&Cart::refuse>()
      .update<&Cart::cancel_itself>()
      .update<&Cart::wait_for_note>();
  m.workflow<Once>().update<&Once::ask>();
  m.workflow<NeverDone>().update<&NeverDone::for_ever>().signal<&NeverDone::leave>();
}
TEMPORAL_EXPORT_MODULE(messages);
