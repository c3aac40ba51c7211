// SPDX-License-Identifier: MIT
#include "supervisor/observe/process_metrics.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;

namespace {

const MetricLabels kLabels{{"namespace", "shop"}, {"task_queue", "queue"}};

// The value of the series with that name and those labels, or -1.
double value_of(const MetricRegistry& registry, const std::string& series) {
  const auto text = "\n" + registry.text();
  const auto at = text.find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
}

}  // namespace

TEST_CASE("K019 calls to the server are counted by their name, failures by their code") {
  MetricRegistry registry;
  ProcessMetrics metrics(registry, {}, kLabels);
  metrics.request("RespondActivityTaskCompleted", false, "", 70ms);
  metrics.request("RespondActivityTaskCompleted", false, "UNAVAILABLE", 5ms);
  metrics.request("PollActivityTaskQueue", true, "", 60s);
  const std::string common =
      R"(namespace="shop",operation="RespondActivityTaskCompleted",service_name="temporal-supervisor",)";
  const std::string answer = "{" + common + R"(task_queue="queue"})";
  CHECK(value_of(registry, "temporal_request" + answer) == 2);
  CHECK(value_of(registry, "temporal_request_latency_sum" + answer) == 75);
  CHECK(value_of(registry, "temporal_request_failure{" + common +
                               R"(status_code="UNAVAILABLE",task_queue="queue"})") == 1);
  const std::string poll =
      R"({namespace="shop",operation="PollActivityTaskQueue",service_name="temporal-supervisor",)"
      R"(task_queue="queue"})";
  CHECK(value_of(registry, "temporal_long_request" + poll) == 1);
  CHECK(value_of(registry, "temporal_long_request_latency_sum" + poll) == 60'000);
}

TEST_CASE("OB2 prefix, unit, labels and buckets are as they were asked for") {
  MetricRegistry registry;
  ProcessMetrics metrics(registry,
                         {.address = "",
                          .prefix = "shop_",
                          .unit = MetricsOptions::Unit::seconds,
                          .labels = {{"region", "eu"}},
                          .buckets = {{"shop_long_request_latency", {30, 70}}}},
                         kLabels);
  metrics.request("Answer", false, "", 70ms);
  metrics.request("Poll", true, "", 60s);
  const std::string common =
      R"(,region="eu",service_name="temporal-supervisor",task_queue="queue")";
  const auto of = [&](const std::string& name, const std::string& operation,
                      const std::string& bound) {
    return value_of(registry, "shop_" + name + R"({namespace="shop",operation=")" + operation +
                                  "\"" + common + bound + "}");
  };
  CHECK(of("request_latency_sum", "Answer", "") == 0.07);
  CHECK(of("request_latency_bucket", "Answer", R"(,le="0.05")") == 0);
  CHECK(of("request_latency_bucket", "Answer", R"(,le="0.1")") == 1);
  CHECK(of("long_request_latency_bucket", "Poll", R"(,le="30")") == 0);
  CHECK(of("long_request_latency_bucket", "Poll", R"(,le="70")") == 1);
  CHECK(registry.text().find("temporal_") == std::string::npos);
}

TEST_CASE("AX27 a loop that does not answer is counted with the activity it is in") {
  MetricRegistry registry;
  ProcessMetrics metrics(registry, {}, kLabels);
  metrics.on_answer(Watchdog::LoopKind::core, 3ms);
  metrics.on_answer(Watchdog::LoopKind::user, 200ms);
  for (int i = 0; i < 2; ++i) metrics.on_stall("render");
  for (int i = 0; i < 1'009; ++i) metrics.on_stall(std::to_string(i));  // types that others invent
  const std::string common =
      R"(namespace="shop",service_name="temporal-supervisor",task_queue="queue"})";
  const std::string lag = "temporal_supervisor_loop_lag_latency_sum{loop=";
  CHECK(value_of(registry, lag + R"("core",)" + common) == 3);
  CHECK(value_of(registry, lag + R"("user",)" + common) == 200);
  const std::string stalls = "temporal_supervisor_loop_stalls{activity_type=";
  CHECK(value_of(registry, stalls + R"("render",)" + common) == 2);
  CHECK(value_of(registry, stalls + R"("other",)" + common) == 10);
}
