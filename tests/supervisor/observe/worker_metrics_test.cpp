// SPDX-License-Identifier: MIT
#include "supervisor/observe/worker_metrics.hpp"

#include <doctest/doctest.h>

#include <boost/asio/detached.hpp>
#include <string>

#include "tests/supervisor/activity/attempts.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;

namespace {

// The value of the series with that name and those labels, or -1.
double value_of(const MetricRegistry& registry, const std::string& series) {
  const auto text = "\n" + registry.text();
  const auto at = text.find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
}

const std::string kCharge =
    R"(activity_type="charge",eager="false",namespace="shop",service_name="temporal-supervisor",)"
    R"(task_queue="queue",workflow_type="Order")";

ActivityTask order_task() {
  auto task = activity_task("token");
  task.mutable_workflow_type()->set_name("Order");
  task.mutable_scheduled_time()->set_seconds(1'000);
  task.mutable_current_attempt_scheduled_time()->set_seconds(1'010);
  task.mutable_started_time()->set_seconds(1'012);
  return task;
}

struct Measured : AttemptWorld {
  Measured() : AttemptWorld(order_task()) {}
  double of(const std::string& name) { return value_of(registry, name + "{" + kCharge + "}"); }
};

template <class Thrown>
Ending thrown(const Thrown& error) {
  return {threw(error)};
}

}  // namespace

TEST_CASE("an attempt that succeeds is measured, by the server's clock up to its start") {
  Measured world;
  CHECK(world.of("temporal_activity_task_received") == 1);
  CHECK(world.of("temporal_activity_schedule_to_start_latency_sum") == 2'000);
  CHECK(world.of("temporal_activity_execution_latency_count") == 0);
  world.clock.advance(3s);
  world.end({Returned{payloads("done")}});
  CHECK(world.of("temporal_activity_execution_latency_sum") == 3'000);
  CHECK(world.of("temporal_activity_succeed_endtoend_latency_sum") == 15'000);
  CHECK(world.of("temporal_activity_execution_failed") == 0);
}

TEST_CASE("E016 a failure is counted unless it is benign") {
  Measured world;
  world.end(thrown(std::runtime_error("declined")));
  CHECK(world.of("temporal_activity_execution_failed") == 1);
  CHECK(world.of("temporal_activity_execution_latency_count") == 1);
  CHECK(world.of("temporal_activity_succeed_endtoend_latency_count") == 0);

  Measured benign;
  benign.end(thrown(ApplicationError("expected", {.benign = true})));
  CHECK(benign.service.failed.size() == 1);
  CHECK(benign.of("temporal_activity_execution_failed") == 0);
  CHECK(benign.log.count(LogLevel::info) == 0);
}

TEST_CASE("a cancellation that was asked for is no failure") {
  Measured world;
  world.attempt->cancel(CancelReason::requested);
  world.end({ThrewCancelled{}});
  CHECK(world.of("temporal_activity_execution_cancelled") == 1);
  CHECK(world.of("temporal_activity_execution_failed") == 0);
}

TEST_CASE("types without end, which others invent, end in one series") {
  MetricRegistry registry;
  RecordingLog log;
  WorkerMetrics metrics(registry, "shop", "queue", log);
  for (int i = 0; i < 1'010; ++i) {
    const auto type = std::to_string(i);
    metrics.activity(type, "Order", false).task_received.add();
    metrics.unregistered_activity(type, "Order", false);
    metrics.workflow(type).completed.add();
    metrics.workflow_task_failed(type, "WorkflowError");
  }
  const std::string common =
      R"(namespace="shop",service_name="temporal-supervisor",task_queue="queue")";
  const auto of_activities =
      R"({activity_type="other",eager="false",)" + common + R"(,workflow_type="other"})";
  CHECK(value_of(registry, "temporal_activity_task_received" + of_activities) == 10);
  CHECK(value_of(registry, "temporal_unregistered_activity_invocation" + of_activities) == 10);
  const auto of_workflows = common + R"(,workflow_type="other"})";
  CHECK(value_of(registry, "temporal_workflow_completed{" + of_workflows) == 10);
  CHECK(value_of(registry,
                 "temporal_workflow_task_execution_failed{failure_reason="
                 "\"WorkflowError\"," +
                     of_workflows) == 10);
}

TEST_CASE("the command that ends a run says how it is counted") {
  namespace enums = temporal::api::enums::v1;
  MetricRegistry registry;
  RecordingLog log;
  WorkerMetrics metrics(registry, "shop", "queue", log);
  const auto& order = metrics.workflow("Order");
  temporal::api::workflowservice::v1::RespondWorkflowTaskCompletedRequest completion;
  const auto closed_by = [&](enums::CommandType type) {
    completion.clear_commands();
    completion.add_commands()->set_command_type(enums::COMMAND_TYPE_START_TIMER);
    completion.add_commands()->set_command_type(type);
    return order.closed_by(completion);
  };
  CHECK(closed_by(enums::COMMAND_TYPE_START_TIMER) == nullptr);
  CHECK(closed_by(enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION) == &order.completed);
  CHECK(closed_by(enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION) == &order.canceled);
  CHECK(closed_by(enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION) ==
        &order.continue_as_new);
  CHECK(closed_by(enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION) == &order.failed);
  completion.mutable_commands(1)
      ->mutable_fail_workflow_execution_command_attributes()
      ->mutable_failure()
      ->mutable_application_failure_info()
      ->set_category(enums::APPLICATION_ERROR_CATEGORY_BENIGN);
  CHECK(order.closed_by(completion) == nullptr);
}
