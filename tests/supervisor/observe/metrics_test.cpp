// SPDX-License-Identifier: MIT
#include "supervisor/observe/metrics.hpp"

#include <doctest/doctest.h>

#include <array>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace temporal;
using namespace temporal::supervisor;

namespace {

constexpr std::array<double, 2> kBuckets{1, 10};

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("the page has each family once, in the order of names, with its help and type") {
  MetricRegistry registry;
  registry.counter("b_total", "How many", {{"kind", "second"}}).add(3);
  registry.gauge("a_depth", "How deep", {}).set(1.5);
  registry.counter("b_total", "not read", {{"kind", "first"}}).add();
  CHECK(registry.text() ==
        "# HELP a_depth How deep\n"
        "# TYPE a_depth gauge\n"
        "a_depth 1.5\n"
        "# HELP b_total How many\n"
        "# TYPE b_total counter\n"
        "b_total{kind=\"first\"} 1\n"
        "b_total{kind=\"second\"} 3\n");
}

TEST_CASE("a histogram counts what is at or below each bound") {
  MetricRegistry registry;
  const auto histogram = registry.histogram("time", "", kBuckets, {});
  for (double value : {0.5, 1.0, 5.0, 11.0}) histogram.observe(value);
  const auto text = registry.text();
  CHECK(has_line(text, "time_bucket{le=\"1\"} 2"));
  CHECK(has_line(text, "time_bucket{le=\"10\"} 3"));
  CHECK(has_line(text, "time_bucket{le=\"+Inf\"} 4"));
  CHECK(has_line(text, "time_count 4"));
  CHECK(has_line(text, "time_sum 17.5"));
}

TEST_CASE("the order in which labels are named makes no other series") {
  MetricRegistry registry;
  registry.counter("n", "", {{"a", "1"}, {"b", "2"}}).add();
  registry.counter("n", "", {{"b", "2"}, {"a", "1"}}).add();
  CHECK(has_line(registry.text(), "n{a=\"1\",b=\"2\"} 2"));
}

TEST_CASE("a name does not change its kind") {
  MetricRegistry registry;
  registry.counter("n", "", {}).add();
  CHECK_THROWS_AS((void)registry.gauge("n", "", {}), std::logic_error);
  CHECK_THROWS_AS((void)registry.histogram("n", "", kBuckets, {}), std::logic_error);
}

TEST_CASE("what a value holds cannot end its line") {
  MetricRegistry registry;
  registry.counter("n", "", {{"a", "\"} 7\nforged 1 \\"}}).add();
  const auto text = registry.text();
  CHECK(text.find("\nforged") == std::string::npos);
  CHECK(has_line(text, R"(n{a="\"} 7\nforged 1 \\"} 1)"));
}

TEST_CASE("threads that make and count the same series at once lose nothing") {
  constexpr int kThreads = 4, kSeries = 200, kRounds = 50;
  MetricRegistry registry;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round)
        for (int i = 0; i < kSeries; ++i) {
          const MetricLabels labels{{"i", std::to_string(i)}};
          registry.counter("n", "", labels).add();
          registry.histogram("h", "", kBuckets, labels).observe(1);
        }
    });
  for (int i = 0; i < 20; ++i) (void)registry.text();  // somebody reads meanwhile
  for (auto& thread : threads) thread.join();
  const auto text = registry.text();
  for (int i = 0; i < kSeries; ++i) {
    const auto label = "i=\"" + std::to_string(i) + "\"";
    const auto total = std::to_string(kThreads * kRounds);
    CHECK(has_line(text, "n{" + label + "} " + total));
    CHECK(has_line(text, "h_count{" + label + "} " + total));
    CHECK(has_line(text, "h_sum{" + label + "} " + total));
  }
}
