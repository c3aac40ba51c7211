// SPDX-License-Identifier: MIT
// Any thread may count something for the first time, and the core loop must not wait for it: a map
// without a lock. What makes that easy is that nothing is ever taken out.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace temporal::supervisor {

/// Any thread may call anything. A Value stays where it is until the map ends.
template <class Value>
class GrowOnlyMap {
 public:
  GrowOnlyMap() = default;
  GrowOnlyMap(const GrowOnlyMap&) = delete;
  GrowOnlyMap& operator=(const GrowOnlyMap&) = delete;
  ~GrowOnlyMap() {
    for (auto& slot : slots_)
      for (Node* node = slot.load(); node;) delete std::exchange(node, node->next);
  }

  [[nodiscard]] Value* find(std::string_view key) const noexcept {
    return find_in(slot_of(key).load(std::memory_order_acquire), nullptr, key);
  }

  /// The value of `key`, made from `arguments` if there is none; and whether it was.
  template <class... Arguments>
  std::pair<Value&, bool> find_or_make(std::string_view key, Arguments&&... arguments) {
    if (Value* found = find(key)) return {*found, false};
    auto made = std::make_unique<Node>(key, std::forward<Arguments>(arguments)...);
    auto& slot = slot_of(key);
    Node* seen = nullptr;
    for (;;) {
      Node* first = slot.load(std::memory_order_acquire);
      if (Value* found = find_in(first, seen, key)) return {*found, false};
      made->next = seen = first;
      // SYNC with the acquiring loads above: the node is complete.
      if (slot.compare_exchange_weak(first, made.get(), std::memory_order_release,
                                     std::memory_order_relaxed))
        return {made.release()->value, true};
    }
  }

  /// What is there now, in no order.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& slot : slots_)
      for (const Node* node = slot.load(std::memory_order_acquire); node; node = node->next)
        visit(std::string_view(node->key), node->value);
  }

 private:
  struct Node {
    template <class... Arguments>
    explicit Node(std::string_view key, Arguments&&... arguments)
        : key(key), value(std::forward<Arguments>(arguments)...) {}
    std::string key;
    Value value;
    Node* next = nullptr;
  };
  using Slot = std::atomic<Node*>;

  [[nodiscard]] static Value* find_in(Node* node, const Node* end, std::string_view key) noexcept {
    for (; node != end; node = node->next)
      if (node->key == key) return &node->value;
    return nullptr;
  }
  [[nodiscard]] const Slot& slot_of(std::string_view key) const noexcept {
    return slots_[std::hash<std::string_view>{}(key) % slots_.size()];
  }
  [[nodiscard]] Slot& slot_of(std::string_view key) noexcept {
    return slots_[std::hash<std::string_view>{}(key) % slots_.size()];
  }

  std::array<Slot, 1024> slots_{};
};

}  // namespace temporal::supervisor
