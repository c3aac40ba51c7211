// SPDX-License-Identifier: MIT
// What workflow code reaches that is none of its run: metrics, the callback that activates patches, the version of its worker.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "tests/supervisor/workflow/engine_test_support.hpp"
#include "tests/support/history_markers.hpp"

namespace outside_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

struct Measures {
  Task<> run() {
    workflow::metrics().counter("before", 2);
    co_await workflow::sleep(1s);
    workflow::metrics().gauge("after", 1.5, {{"color", "red"}});
    workflow::metrics().histogram("spread", 7);
  }
};

struct Asks {
  Task<> run() {
    for (int i = 0; i < 2; ++i) note(workflow::patched("p") ? "new" : "old");
    co_await workflow::sleep(1s);
    note(workflow::patched("p") ? "new" : "old");
  }
};

struct Versioned {
  Task<> run() {
    tell();
    co_await workflow::sleep(1s);
    tell();
  }
  static void tell() {
    note(workflow::info().deployment_name + "/" + workflow::info().build_id +
         (workflow::info().target_version_changed ? " changed" : ""));
  }
};

struct Written final : Metrics {
  void record(MetricKind, std::string_view name, double value,
              const MetricLabels& labels) override {
    auto line = std::string(name) + " " + std::to_string(value);
    for (const auto& [key, text] : labels) line += " " + key + "=" + text;
    lines.push_back(std::move(line));
  }
  Lines lines;
};

const TestModule module([](Module& m) {
  m.workflow<Measures>();
  m.workflow<Asks>();
  m.workflow<Versioned>();
});

engine::WorkflowTaskInput task_of(const HistoryBuilder& h, std::int64_t previous) {
  engine::WorkflowTaskInput task;
  task.history = h.history();
  task.previous_started_event_id = previous;
  task.started_event_id = h.last_id();
  return task;
}

TEST_CASE("B029 what a workflow measures is not measured again while it is replayed") {
  HistoryBuilder h("Measures");
  h.task();
  const auto written = std::make_shared<Written>();
  engine::WorkflowRun first(module, Run::context("Measures"), {}, written);
  (void)first.activate(task_of(h, 0));
  CHECK(written->lines == Lines{"before 2.000000"});
  h.task_completed();
  h.timer_fired(h.timer_started("1"));
  h.task();
  written->lines.clear();
  engine::WorkflowRun again(module, Run::context("Measures"), {}, written);
  CHECK(again.activate(task_of(h, 3)).finished);
  CHECK(written->lines == Lines{"after 1.500000 color=red", "spread 7.000000"});
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("N014 the callback decides once in a run, is not asked by a replay, and must only look") {
  int asked = 0;
  bool answer = false;
  const TestModule choosy([](Module& m) { m.workflow<Asks>(); });
  const_cast<TestModule&>(choosy).activate_patches([&](std::string_view id) {
    CHECK(id == "p");
    CHECK(workflow::info().workflow_type == "Asks");
    ++asked;
    return answer;
  });
  for (const bool activated : {false, true}) {
    CAPTURE(activated);
    answer = activated;
    asked = 0;
    HistoryBuilder h("Asks");
    h.task();
    Run run(choosy, "Asks");
    const auto outcome = run.task(h.history());
    CHECK(asked == 1);
    CHECK(outcome.commands.size() == (activated ? 3 : 1));
    h.task_completed();
    if (activated) {
      patch_marker(h, "p");
      change_version(h, R"(["p"])");
    }
    h.timer_fired(h.timer_started("1"));
    h.task();
    CHECK(run.task(h.since(4), 3).finished);
    const auto way = activated ? "new" : "old";
    CHECK(trace() == Lines{way, way, way});
    CHECK(asked == 1);
    h.task_completed();
    h.completed();
    answer = !activated;
    CHECK(replayed(choosy, h) == "ok");
    CHECK(trace() == Lines{way, way, way});
    CHECK(asked == 1);
  }
}

TEST_CASE("N014 a callback that asks for something to happen fails the task") {
  TestModule meddler([](Module& m) { m.workflow<Asks>(); });
  meddler.activate_patches([](std::string_view) {
    workflow::set_current_details("no");
    return true;
  });
  HistoryBuilder h("Asks");
  h.task();
  Run run(meddler, "Asks");
  CHECK(contains(failure_of(run.task(h.history())), "while in read-only function"));
}

TEST_CASE("N017 info() has the version of who did the task, and while nobody has, of this worker") {
  HistoryBuilder h("Versioned");
  h.task();
  h.task_completed();
  auto* by = h.last().mutable_workflow_task_completed_event_attributes();
  by->mutable_deployment_version()->set_deployment_name("shop");
  by->mutable_deployment_version()->set_build_id("1.0");
  h.timer_fired(h.timer_started("1"));
  h.task();
  h.last()
      .mutable_workflow_task_started_event_attributes()
      ->set_target_worker_deployment_version_changed(true);
  auto context = Run::context("Versioned");
  context.deployment_name = "shop";
  context.build_id = "2.0";
  trace().clear();
  engine::WorkflowRun run(module, context);
  CHECK(run.activate(task_of(h, 3)).finished);
  CHECK(trace() == Lines{"shop/1.0", "shop/2.0 changed"});
}

}  // namespace outside_test
