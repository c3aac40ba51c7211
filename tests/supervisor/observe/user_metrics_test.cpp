// SPDX-License-Identifier: MIT
#include "supervisor/observe/user_metrics.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/fake_server/recording_log.hpp"

using namespace temporal;
using namespace temporal::supervisor;

namespace {

struct World {
  explicit World(std::size_t most_series = UserMeter::kMostSeries)
      : meter(registry, {{"task_queue", "q"}}, log, options, most_series) {}

  MetricsOptions options;
  MetricRegistry registry;
  test::RecordingLog log;
  UserMeter meter;
  UserMetrics metrics{meter, "render", "Book"};

  [[nodiscard]] bool shows(const std::string& line) const {
    return ("\n" + registry.text()).find("\n" + line + "\n") != std::string::npos;
  }
  [[nodiscard]] bool refused(const std::string& reason, int times) const {
    return shows("temporal_supervisor_user_metrics_refused{reason=\"" + reason +
                 "\",task_queue=\"q\"} " + std::to_string(times));
  }
  [[nodiscard]] bool knows(const std::string& name) const {
    return registry.text().find("# TYPE " + name + " ") != std::string::npos;
  }
};

const std::string kOwn = R"(activity_type="render",task_queue="q",workflow_type="Book")";

}  // namespace

TEST_CASE("F019 what an activity measures carries its own labels and those of the activity") {
  World world;
  world.metrics.counter("pages");
  world.metrics.counter("pages", 2, {{"format", "pdf"}});
  world.metrics.counter("pages", 3, {{"format", "pdf"}});
  world.metrics.gauge("depth", 7);
  world.metrics.gauge("depth", -2.5);
  world.metrics.histogram("bytes", 60);
  CHECK(world.shows("pages{" + kOwn + "} 1"));
  CHECK(world.shows(
      R"(pages{activity_type="render",format="pdf",task_queue="q",workflow_type="Book"} 5)"));
  CHECK(world.shows("depth{" + kOwn + "} -2.5"));
  CHECK(world.shows("bytes_bucket{" + kOwn + R"(,le="100"} 1)"));
  CHECK(world.log.lines.empty());
}

TEST_CASE("a name that Prometheus would not read, or that is the worker's own, is refused") {
  World world;
  for (const std::string name :
       {"", "a-b", "1a", "a b", "a\n1", "temporal_activity_task_received", "temporal_", "\xff"})
    world.metrics.counter(name);
  world.metrics.counter(std::string("a\0b", 3));
  world.metrics.counter(std::string(201, 'a'));
  CHECK(world.refused("bad_name", 10));
  CHECK(world.log.lines.size() == 1);  // said once
  CHECK(world.log.lines[0].level == LogLevel::warn);
}

TEST_CASE("labels that cannot be shown, or pass for the worker's own, are refused") {
  World world;
  const std::vector<MetricLabels> rows{{{"activity_type", "other"}},
                                       {{"task_queue", "q"}},
                                       {{"le", "1"}},
                                       {{"__name__", "x"}},
                                       {{"a b", "1"}},
                                       {{"", "1"}},
                                       {{"a", "1"}, {"a", "2"}},
                                       {{"a", "\xff"}},
                                       {{"a", std::string("\0", 1)}},
                                       {{"a", std::string(201, 'x')}},
                                       MetricLabels(17, {"a", "1"})};
  for (const auto& labels : rows) world.metrics.counter("pages", 1, labels);
  CHECK(world.refused("bad_label", static_cast<int>(rows.size())));
  CHECK_FALSE(world.knows("pages"));
  world.metrics.counter("pages", 1, {{"a", "\xc3\xa9 \"\n"}});
  CHECK(world.knows("pages"));
}

TEST_CASE("values that are no numbers are refused, and counters only grow") {
  World world;
  world.metrics.gauge("g", std::nan(""));
  world.metrics.histogram("h", std::numeric_limits<double>::infinity());
  for (double value : {-1.0, 0.5, 1e300, std::nan("")})
    world.metrics.record(MetricKind::counter, "c", value, {});
  CHECK(world.refused("bad_value", 6));
  for (const char* name : {"g", "h", "c"}) CHECK_FALSE(world.knows(name));
}

TEST_CASE("what comes together is taken as if each value came by itself") {
  World world;
  const std::vector<double> values{60, std::nan(""), 70};
  world.metrics.record_all(MetricKind::histogram, "bytes", values, {});
  CHECK(world.shows("bytes_sum{" + kOwn + "} 130"));
  CHECK(world.refused("bad_value", 1));
}

TEST_CASE("OB1 a histogram has the buckets that were chosen for its name") {
  World world;
  world.options.buckets["bytes"] = {1, 1000};
  world.metrics.histogram("bytes", 60);
  CHECK(world.shows("bytes_bucket{" + kOwn + R"(,le="1"} 0)"));
  CHECK(world.shows("bytes_bucket{" + kOwn + R"(,le="1000"} 1)"));
}

TEST_CASE("a name keeps its kind, whoever writes it") {
  World world;
  UserMetrics other(world.meter, "print", "Book");
  world.metrics.counter("n");
  world.metrics.gauge("n", 7);
  other.histogram("n", 7);
  CHECK(world.refused("other_kind", 2));
  CHECK(world.shows("n{" + kOwn + "} 1"));
}

TEST_CASE("series are bounded, names with them, and those that are there go on") {
  World world(3);
  for (int i = 0; i < 10; ++i) world.metrics.counter("n", 1, {{"i", std::to_string(i)}});
  for (int i = 0; i < 10; ++i) world.metrics.counter("name_" + std::to_string(i));
  world.metrics.counter("n", 1, {{"i", "0"}});
  CHECK(world.refused("too_many_series", 17));
  CHECK_FALSE(world.knows("name_0"));
  CHECK(world.shows(R"(n{activity_type="render",i="0",task_queue="q",workflow_type="Book"} 2)"));
}
