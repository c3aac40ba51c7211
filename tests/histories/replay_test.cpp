// SPDX-License-Identifier: MIT
// What this worker once recorded must replay for ever.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "supervisor/workflow/events.hpp"
#include "supervisor/workflow/history_loader.hpp"
#include "supervisor/workflow/replayer.hpp"
#include "temporal/module.hpp"

void histories(temporal::Module& m);

namespace temporal::engine {
namespace {

template <class Each>
int for_each_history(Each each) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TEMPORAL_RECORDED)) {
    if (entry.path().extension() != ".json") continue;
    ++count;
    CAPTURE(entry.path().filename().string());
    each(load_history(entry.path()));
  }
  return count;
}

}  // namespace

TEST_CASE("every history in this folder replays") {
  Module module;
  histories(module);
  const int count = for_each_history([&](const api::history::v1::History& history) {
    const auto result = replay(module, history);
    CHECK_MESSAGE(result.ok, result.message);
  });
  CHECK(count >= 10);
}

TEST_CASE("and is refused when any one id or type that the code chose is altered, at that event") {
  namespace enums = api::enums::v1;
  Module module;
  histories(module);
  int altered = 0;
  for_each_history([&](const api::history::v1::History& good) {
    for (int i = 0; i < good.events_size(); ++i) {
      auto history = good;
      auto& event = *history.mutable_events(i);
      if (event.event_type() == enums::EVENT_TYPE_TIMER_STARTED) {
        event.mutable_timer_started_event_attributes()->set_timer_id("another");
      } else if (event.event_type() == enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) {
        event.mutable_activity_task_scheduled_event_attributes()->mutable_activity_type()->set_name(
            "another");
      } else {
        continue;
      }
      const auto result = replay(module, history);
      CHECK_FALSE(result.ok);
      CHECK_MESSAGE(result.event_id == i + 1, result.message);
      ++altered;
    }
  });
  CHECK(altered >= 10);
}

TEST_CASE("the first completion of each wrote the flags that other SDKs know, and no other did") {
  for_each_history([](const api::history::v1::History& history) {
    bool first = true;
    for (const auto& event : history.events()) {
      if (!event.has_workflow_task_completed_event_attributes()) continue;
      const auto& metadata = event.workflow_task_completed_event_attributes().sdk_metadata();
      CHECK(metadata.core_used_flags_size() == (first ? 3 : 0));
      CHECK(metadata.lang_used_flags_size() == (first ? 1 : 0));
      CHECK(metadata.sdk_name() == (first ? "temporal-supervisor" : ""));
      first = false;
    }
  });
}

}  // namespace temporal::engine
