// SPDX-License-Identifier: MIT
// Spoils histories: events and bytes dropped, doubled and swapped, fields removed or set to what no server
// would write.
#pragma once

#include <string>

#include "temporal/api/history/v1/message.pb.h"
#include "tests/support/dice.hpp"

namespace temporal::testing {

class Mutator {
 public:
  using History = api::history::v1::History;
  using Event = api::history::v1::HistoryEvent;

  explicit Mutator(Dice& dice) : dice_(dice) {}

  /// One to three changes. Then, mostly, the ids count from 1 again, so that the mutant is not refused for a
  /// gap; and for some, what names another event by its id names it by its new one.
  void spoil(History& history);
  /// One to three bytes of it.
  void spoil(std::string& bytes);
  /// What was done, in words.
  [[nodiscard]] const std::string& what() const { return what_; }

 private:
  void change_one(History& history);
  void spoil_field(google::protobuf::Message& message);
  void spoil_bytes_of(Event& event);
  void renumber(History& history, bool with_references);
  void say(const std::string& words) { what_ += (what_.empty() ? "" : ", ") + words; }

  Dice& dice_;
  std::string what_;
};

}  // namespace temporal::testing
