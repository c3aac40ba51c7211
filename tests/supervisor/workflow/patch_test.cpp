// SPDX-License-Identifier: MIT
// Code that changes under its runs: what patched() answers, what it writes, and what history may
// hold that code no longer asks for.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include "tests/supervisor/workflow/engine_test_support.hpp"
#include "tests/support/history_markers.hpp"

namespace patch_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

int old_way() { implemented_elsewhere(); }
int new_way() { implemented_elsewhere(); }
constexpr ActivityOptions kQuick{.start_to_close_timeout = 10s};

// One workflow in the four stages of a patch.
template <int Stage>
struct Stages {
  Task<> run() {
    if constexpr (Stage == 1) {
      co_await workflow::execute_activity<old_way>(kQuick);
    } else if constexpr (Stage == 2) {
      if (workflow::patched("mine"))
        co_await workflow::execute_activity<new_way>(kQuick);
      else
        co_await workflow::execute_activity<old_way>(kQuick);
    } else {
      if constexpr (Stage == 3) workflow::deprecate_patch("mine");
      co_await workflow::execute_activity<new_way>(kQuick);
    }
  }
};

// Asks again and again, a timer between.
struct Loop {
  Task<> run() {
    for (int i = 0; i < 3; ++i) {
      note(workflow::patched("loop") ? "new" : "old");
      co_await workflow::sleep(1s);
    }
  }
};

// Asks for the first time after a timer, for two patches, twice each.
struct Late {
  Task<> run() {
    co_await workflow::sleep(1s);
    for (const char* id : {"b", "a", "b", "a"}) note(id + std::string(answer(id)));
    co_await workflow::sleep(1s);
  }
  static const char* answer(const char* id) { return workflow::patched(id) ? " new" : " old"; }
};

struct Others {
  Task<> run() {
    CHECK(workflow::patched("other"));
    co_await workflow::execute_activity<new_way>(kQuick);
  }
};

std::string id_of(int i) { return "patch-" + std::string(100, 'x') + std::to_string(i); }

struct Many {
  Task<> run() {
    for (int i = 0; i < 25; ++i) CHECK(workflow::patched(id_of(i)));
    co_await workflow::sleep(1s);
  }
};

struct Nameless {
  Task<> run() {
    try {
      note(workflow::patched("") ? "?" : "?");
    } catch (const std::invalid_argument& error) {
      note(error.what());
    }
    co_await workflow::wait_condition([] { return workflow::patched("in a predicate"); });
  }
};

template <int Stage>
TestModule stage() {
  return TestModule([](Module& m) { m.workflow<Stages<Stage>>({.name = "Stages"}); });
}
const TestModule first = stage<1>(), second = stage<2>(), third = stage<3>(), fourth = stage<4>();
const TestModule module([](Module& m) {
  m.workflow<Loop>();
  m.workflow<Late>();
  m.workflow<Many>();
  m.workflow<Nameless>();
  m.workflow<Others>({.name = "Stages"});
});

enum class Marker { none, plain, deprecated };

// As stage 1, 2 or 3 recorded it.
HistoryBuilder recorded(Marker marker, bool with_upsert = true) {
  HistoryBuilder h("Stages");
  h.task();
  auto* metadata = h.task_completed();  // 4
  if (!with_upsert) metadata->clear_core_used_flags();
  if (marker != Marker::none) {
    patch_marker(h, "mine", marker == Marker::deprecated);  // 5
    if (with_upsert) change_version(h, R"(["mine"])");
  }
  const auto activity = h.activity_scheduled("1", marker == Marker::none ? "old_way" : "new_way");
  h.activity_completed(activity, 1);
  h.whole_task();
  h.completed();
  return h;
}

TEST_CASE("N013 patched() is true in a new run, which records a marker and TemporalChangeVersion") {
  HistoryBuilder h("Stages");
  h.task();
  Run run(second, "Stages");
  const auto outcome = run.task(h.history());
  CHECK(commands_of(outcome) == Lines{"RecordMarker (marker 'core_patch', patch 'mine')",
                                      "UpsertWorkflowSearchAttributes",
                                      "ScheduleActivityTask (activity id '1', type 'new_way')"});
  const auto& marker = outcome.commands.at(0).record_marker_command_attributes();
  const auto& data = marker.details().at("patch-data").payloads(0);
  CHECK(data.metadata().at("encoding") == "json/plain");
  CHECK(nlohmann::json::parse(data.data()) ==
        nlohmann::json({{"id", "mine"}, {"deprecated", false}}));
  const auto& version = outcome.commands.at(1)
                            .upsert_workflow_search_attributes_command_attributes()
                            .search_attributes()
                            .indexed_fields()
                            .at("TemporalChangeVersion");
  CHECK(version.data() == R"(["mine"])");
  CHECK(version.metadata().at("type") == "KeywordList");
  CHECK(version.metadata().at("encoding") == "json/plain");
}

TEST_CASE("N013 deprecate_patch() records a marker that says so") {
  HistoryBuilder h("Stages");
  h.task();
  Run run(third, "Stages");
  const auto outcome = run.task(h.history());
  REQUIRE(outcome.commands.size() == 3);
  CHECK(contains(outcome.commands[0]
                     .record_marker_command_attributes()
                     .details()
                     .at("patch-data")
                     .payloads(0)
                     .data(),
                 "\"deprecated\":true"));
}

TEST_CASE("N013 every stage of the code with every history that a stage recorded") {
  struct Case {
    Marker marker;
    const Module& code;
    bool fits;
  };
  for (const bool with_upsert : {true, false}) {
    for (const auto& one :
         {Case{Marker::none, first, true}, Case{Marker::none, second, true},
          Case{Marker::plain, second, true}, Case{Marker::plain, third, true},
          Case{Marker::plain, fourth, false}, Case{Marker::plain, first, false},
          Case{Marker::deprecated, second, true}, Case{Marker::deprecated, third, true},
          Case{Marker::deprecated, fourth, true}, Case{Marker::none, fourth, false},
          Case{Marker::none, third, false}}) {
      CAPTURE(int(one.marker));
      CAPTURE(with_upsert);
      const auto said = replayed(one.code, recorded(one.marker, with_upsert));
      CHECK_MESSAGE((said == "ok") == one.fits, said);
      if (!one.fits) CHECK(contains(said, "[TMPRL1100] Nondeterminism at event 5"));
    }
  }
}

TEST_CASE("T-48: a marker that code no longer asks for is refused by its patch") {
  const auto said = replayed(fourth, recorded(Marker::plain));
  CHECK(contains(said,
                 "history says MarkerRecorded (marker 'core_patch', patch 'mine'), the code "
                 "issued ScheduleActivityTask (activity id '1', type 'new_way')"));
}

TEST_CASE("a deprecated marker is skipped though code asks for another patch there") {
  HistoryBuilder h("Stages");
  h.whole_task();
  patch_marker(h, "mine", true);
  change_version(h, R"(["mine"])");
  patch_marker(h, "other");
  change_version(h, R"(["mine","other"])");
  const auto activity = h.activity_scheduled("1", "new_way");
  h.activity_completed(activity, 1);
  h.whole_task();
  h.completed();
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("a marker whose flag is not a truth value is not deprecated") {
  HistoryBuilder h("Stages");
  h.whole_task();
  patch_marker(h, "mine");
  auto& details = *h.last().mutable_marker_recorded_event_attributes()->mutable_details();
  details["patch-data"].mutable_payloads(0)->set_data(R"({"id":"mine","deprecated":"yes"})");
  change_version(h, R"(["mine"])");
  const auto activity = h.activity_scheduled("1", "new_way");
  h.activity_completed(activity, 1);
  h.whole_task();
  h.completed();
  CHECK(replayed(second, h) == "ok");
}

TEST_CASE("a marker of another patch than the one that code asks for is refused") {
  HistoryBuilder h("Stages");
  h.whole_task();
  patch_marker(h, "other");  // 5
  change_version(h, R"(["other"])");
  patch_marker(h, "mine");  // 7: known ahead, but not the one that is due
  change_version(h, R"(["mine","other"])");
  h.activity_scheduled("1", "new_way");
  const auto said = replayed(second, h);
  CHECK(contains(said, "at event 5"));
  CHECK(contains(said, "the code issued RecordMarker (marker 'core_patch', patch 'mine')"));
}

TEST_CASE(
    "T-45: the marker that comes only in the next task is seen, in the run and for its life") {
  HistoryBuilder h("Loop");
  h.whole_task();
  patch_marker(h, "loop");
  change_version(h, R"(["loop"])");
  for (const char* id : {"1", "2"}) {
    const auto timer = h.timer_started(id);
    h.timer_fired(timer);
    h.whole_task();
  }
  h.timer_started("3");
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"new", "new", "new"});
}

TEST_CASE("T-46: an answer of a replayed region stays false when the run is live again") {
  HistoryBuilder h("Loop");
  h.whole_task();
  const auto timer = h.timer_started("1");
  h.timer_fired(timer);
  h.task();
  Run run(module, "Loop");
  CHECK(commands_of(run.task(h.history(), 3)) == Lines{"StartTimer (timer id '2')"});
  CHECK(trace() == Lines{"old", "old"});
}

TEST_CASE("N013 each patch is recorded once, with all that this run has recorded so far") {
  HistoryBuilder h("Late");
  h.whole_task();
  const auto timer = h.timer_started("1");
  h.timer_fired(timer);
  h.task();
  Run run(module, "Late");
  const auto outcome = run.task(h.history(), 3);
  CHECK(commands_of(outcome) ==
        Lines{"RecordMarker (marker 'core_patch', patch 'b')", "UpsertWorkflowSearchAttributes",
              "RecordMarker (marker 'core_patch', patch 'a')", "UpsertWorkflowSearchAttributes",
              "StartTimer (timer id '2')"});
  CHECK(outcome.commands.at(3)
            .upsert_workflow_search_attributes_command_attributes()
            .search_attributes()
            .indexed_fields()
            .at("TemporalChangeVersion")
            .data() == R"(["a","b"])");
  CHECK(trace() == Lines{"b new", "a new", "b new", "a new"});
}

TEST_CASE("a patch that code asks for later than history recorded it needs no second marker") {
  HistoryBuilder h("Late");
  h.whole_task();
  patch_marker(h, "a", true);  // deprecated: what the code did then it does no more
  change_version(h, R"(["a"])");
  const auto timer = h.timer_started("1");
  h.timer_fired(timer);
  h.whole_task();
  const auto later = h.timer_started("2");
  h.timer_fired(later);
  h.whole_task();
  h.completed();
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"b old", "a new", "b old", "a new"});
}

TEST_CASE("N015 TemporalChangeVersion is left out from 2,048 bytes on, said once, and replays so") {
  HistoryBuilder h("Many");
  h.task();
  Lines warnings;
  Run run(module, "Many",
          [&](const auto&, LogLevel level, std::string_view message, const LogFields&) {
            if (level == LogLevel::warn) warnings.emplace_back(message);
          });
  const auto outcome = run.task(h.history());
  int markers = 0, upserts = 0;
  std::string last;
  h.task_completed();
  for (const auto& command : outcome.commands) {
    if (command.has_record_marker_command_attributes()) {
      patch_marker(h, id_of(markers++));
    } else if (command.has_upsert_workflow_search_attributes_command_attributes()) {
      ++upserts;
      last = command.upsert_workflow_search_attributes_command_attributes()
                 .search_attributes()
                 .indexed_fields()
                 .at("TemporalChangeVersion")
                 .data();
      change_version(h, last);
    }
  }
  CHECK(markers == 25);
  CHECK(upserts < 25);
  CHECK(last.size() < 2048);
  CHECK(last.size() + id_of(24).size() + 3 >= 2048);
  CHECK(warnings.size() == 1);
  CHECK(contains(warnings.at(0), "TemporalChangeVersion of this workflow is full"));
  const auto timer = h.timer_started("1");
  h.timer_fired(timer);
  h.whole_task();
  h.completed();
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("T-51: a server that keeps no flags gets no TemporalChangeVersion, live and on replay") {
  HistoryBuilder h("Stages");
  h.task();
  auto context = Run::context("Stages");
  context.server_keeps_sdk_metadata = false;
  engine::WorkflowRun run(second, context);
  engine::WorkflowTaskInput input;
  input.history = h.history();
  input.started_event_id = 3;
  CHECK(commands_of(run.activate(std::move(input))) ==
        Lines{"RecordMarker (marker 'core_patch', patch 'mine')",
              "ScheduleActivityTask (activity id '1', type 'new_way')"});
}

TEST_CASE("patched() wants an id, and no predicate may ask it") {
  HistoryBuilder h("Nameless");
  h.task();
  Run run(module, "Nameless");
  const auto outcome = run.task(h.history());
  CHECK(trace() == Lines{"workflow::patched: a patch needs an id"});
  CHECK(
      contains(failure_of(outcome), "workflow::patched() was called while in read-only function"));
}

}  // namespace patch_test
