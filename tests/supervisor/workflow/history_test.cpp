// SPDX-License-Identifier: MIT
#include "supervisor/workflow/history.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "supervisor/workflow/errors.hpp"
#include "supervisor/workflow/history_loader.hpp"
#include "tests/supervisor/workflow/corpus.hpp"
#include "tests/support/history_builder.hpp"

namespace temporal::engine {
namespace {

using testing::HistoryBuilder;
namespace enums = api::enums::v1;
using Chunks = std::vector<std::string>;

// "1-3*" is a chunk that wakes the code, "10-11" one that does not.
Chunks cut(const api::history::v1::History& all, int page_size) {
  History history;
  Chunks chunks;
  int next = 0;
  for (;;) {
    switch (history.look()) {
      case History::Next::page: {
        api::history::v1::History page;
        for (int i = 0; i < page_size && next < all.events_size(); ++i)
          *page.add_events() = all.events(next++);
        history.add(std::move(page), next == all.events_size());
        break;
      }
      case History::Next::chunk: {
        const auto chunk = history.take();
        chunks.push_back(std::to_string(chunk.events.front().event_id()) + "-" +
                         std::to_string(chunk.events.back().event_id()) + (chunk.wakes ? "*" : ""));
        break;
      }
      case History::Next::end:
        return chunks;
    }
  }
}

Chunks cut(const HistoryBuilder& builder) { return cut(builder.history(), 1000); }

}  // namespace

TEST_CASE("a chunk ends with the STARTED of a task that was completed (A1)") {
  HistoryBuilder h("W");
  h.whole_task();
  const auto activity = h.activity_scheduled("1", "a");
  h.activity_started(activity);
  h.activity_completed(activity, 1);
  h.whole_task();
  h.completed();
  CHECK(cut(h) == Chunks{"1-3*", "4-9*", "10-11"});
}

TEST_CASE("a failed or timed out task does not end a chunk (A3, A13)") {
  HistoryBuilder h("W");
  h.task();
  h.task_failed(enums::WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND);
  h.signaled("s");
  h.task();
  h.task_timed_out();
  h.whole_task();
  h.completed();
  CHECK(cut(h) == Chunks{"1-10*", "11-12"});
}

TEST_CASE("empty tasks are merged into the next (A4)") {
  HistoryBuilder h("W");
  h.whole_task();
  h.whole_task();
  h.whole_task();
  h.marker("core_local_activity");
  h.completed();
  CHECK(cut(h) == Chunks{"1-9*", "10-12"});
}

TEST_CASE("a task that brought only a signal is a chunk when its commands follow") {
  HistoryBuilder h("W");
  h.whole_task();
  h.timer_started("1");
  h.signaled("s");
  h.whole_task();
  h.signaled("s");
  h.whole_task();
  h.completed();
  CHECK(cut(h) == Chunks{"1-3*", "4-8*", "9-12*", "13-14"});
}

TEST_CASE(
    "an update that came with a task keeps that task from being merged with the empty one before") {
  HistoryBuilder h("W");
  h.whole_task();  // 2-4
  h.whole_task();  // 5-7, empty
  h.add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED)
      .mutable_workflow_execution_update_accepted_event_attributes()
      ->set_accepted_request_sequencing_event_id(5);
  h.timer_started("1");
  h.task();
  CHECK(cut(h) == Chunks{"1-3*", "4-6*", "7-11*"});
}

TEST_CASE("a history that is cut off anywhere ends without a wake-up") {
  HistoryBuilder h("W");
  h.whole_task();
  h.timer_started("1");
  CHECK(cut(h) == Chunks{"1-3*", "4-5"});
  h.signaled("s");
  h.whole_task();
  CHECK(cut(h) == Chunks{"1-3*", "4-8*", "9-9"});
}

TEST_CASE("the task at hand is the last chunk, though nothing follows it") {
  HistoryBuilder h("W");
  h.task();
  CHECK(cut(h) == Chunks{"1-3*"});
  h.task_completed();
  h.signaled("s");
  h.task();
  CHECK(cut(h) == Chunks{"1-3*", "4-7*"});
}

TEST_CASE("R004, N011: a terminated run ends without a wake-up for the task it was in") {
  HistoryBuilder h("W");
  h.task();
  h.add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED);
  CHECK(cut(h) == Chunks{"1-4"});
}

TEST_CASE("events seen before are skipped, a gap is refused with the ids on both sides") {
  HistoryBuilder h("W");
  h.whole_task();
  h.timer_started("1");
  History history;
  history.add(h.since(1), false);
  history.add(h.since(3), true);
  CHECK(history.last_event_id() == 5);

  HistoryBuilder longer("W");
  for (int i = 0; i < 3; ++i) longer.whole_task();
  CHECK_THROWS_WITH_AS(history.add(longer.since(7), true),
                       "history has a gap: event 5 is followed by event 7", EngineError);
}

TEST_CASE("R021 every size of page gives the same chunks, over all recorded histories") {
  if (!testing::corpus_present("page sizes")) return;
  std::size_t histories = 0;
  for (const auto& path : testing::corpus_files()) {
    for (const auto& history : load_histories(path)) {
      CAPTURE(path.string());
      const auto whole = cut(history, history.events_size());
      CHECK_FALSE(whole.empty());
      for (int size = 1; size < history.events_size(); ++size) CHECK(cut(history, size) == whole);
      ++histories;
    }
  }
  CHECK(histories == 83);
}

}  // namespace temporal::engine
