// SPDX-License-Identifier: MIT
#include "temporal/replayer.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "supervisor/in_order.hpp"
#include "supervisor/recorded_events.hpp"
#include "temporal/workflow.hpp"
#include "tests/support/history_builder.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using temporal::testing::HistoryBuilder;

namespace again {

struct Nap {
  Task<std::string> run(std::string text) {
    co_await workflow::sleep(1s);
    co_return text;
  }
};
void nap(Module& m) { m.workflow<Nap>(); }
void broken(Module&) { throw std::runtime_error("no model file"); }

}  // namespace again

namespace {

// A run that is in the middle of its nap, or that began with something else.
History asleep(const std::string& timer_id = "1") {
  HistoryBuilder builder("Nap", std::string("hi"));
  builder.whole_task();
  auto& event = builder.add(api::enums::v1::EVENT_TYPE_TIMER_STARTED);
  auto* started = event.mutable_timer_started_event_attributes();
  started->set_timer_id(timer_id);
  started->mutable_start_to_fire_timeout()->set_seconds(1);
  return supervisor::history_of(builder.history());
}

History of_unknown_type() {
  HistoryBuilder builder("Dream");
  builder.whole_task();
  return supervisor::history_of(builder.history());
}

}  // namespace

TEST_CASE("R001 a history in memory is replayed, whoever wrote it down") {
  const Replayer replayer({.own_modules = {again::nap}});
  const auto history = asleep();
  const auto result = replayer.replay(history);
  CHECK(result.ok);
  CHECK(result.message == "");
  CHECK(history.size() == 5);
  CHECK(history.workflow_id() == "the-workflow");
  CHECK(history.workflow_type() == "Nap");
  const auto copies = History::parse(history.to_json());
  REQUIRE(copies.size() == 1);
  CHECK(copies.front().to_json() == history.to_json());
  CHECK(replayer.replay(copies.front()).ok);
}

TEST_CASE("R002 R003 what does not replay says where and why") {
  const Replayer replayer({.own_modules = {again::nap}});
  const auto other = replayer.replay(asleep("7"));
  CHECK_FALSE(other.ok);
  CHECK(other.message.find("[TMPRL1100]") == 0);
  CHECK(other.event_id == 5);
  const auto unknown = replayer.replay(of_unknown_type());
  CHECK_FALSE(unknown.ok);
  CHECK(unknown.message.find("Dream") != std::string::npos);
  CHECK_FALSE(replayer.replay(supervisor::history_of({})).ok);
}

TEST_CASE("R002 all mismatches are collected, or the first ends it; results come in order") {
  std::vector<History> histories(20, asleep());
  histories[7] = histories[13] = asleep("7");
  const Replayer all({.own_modules = {again::nap}, .threads = 3});
  const auto results = all.replay_all(histories);
  REQUIRE(results.size() == 20);
  for (std::size_t i = 0; i < results.size(); ++i) CHECK(results[i].ok == (i != 7 && i != 13));
  const Replayer first({.own_modules = {again::nap}, .threads = 3, .fail_fast = true});
  const auto until = first.replay_all(histories);
  REQUIRE(until.size() == 8);
  CHECK_FALSE(until.back().ok);
  CHECK(all.replay_all({}).empty());
}

TEST_CASE("a module that is wrong, and a file that is no history, are said in a sentence") {
  CHECK_THROWS_WITH_AS(Replayer({.own_modules = {again::broken}}), "no model file",
                       std::runtime_error);
  CHECK_THROWS_AS(Replayer({.modules = {"/nowhere/m.so"}}), std::exception);
  CHECK_THROWS_AS((void)History::load("/nowhere/run.json"), std::runtime_error);
  try {
    (void)History::parse("{", "notes");
    FAIL("it was read");
  } catch (const std::runtime_error& error) {
    CHECK(std::string(error.what()).find("notes") != std::string::npos);
  }
}

TEST_CASE("several threads work, one takes what they made in order, until it has enough") {
  std::atomic<int> made = 0;
  const auto make = [&](std::size_t i) {
    ++made;
    return i;
  };
  std::vector<std::size_t> taken;
  supervisor::in_order(100, 4, make, [&](std::size_t i) {
    taken.push_back(i);
    return i < 50;
  });
  REQUIRE(taken.size() == 51);
  for (std::size_t i = 0; i < taken.size(); ++i) CHECK(taken[i] == i);
  CHECK(made >= 51);
  taken.clear();
  supervisor::in_order(3, 0, make, [&](std::size_t i) {
    taken.push_back(i);
    return true;
  });
  CHECK(taken.size() == 3);
  CHECK_THROWS_AS(
      supervisor::in_order(100, 2, make, [](std::size_t) -> bool { throw std::logic_error("no"); }),
      std::logic_error);
}
