// SPDX-License-Identifier: MIT
#include "supervisor/control/table.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <string>

#include "supervisor/control/usage.hpp"

using namespace std::chrono_literals;
using namespace temporal::supervisor::control;
using nlohmann::json;

namespace {

const json kView = json::parse(R"({
  "pid": 100, "version": "0.1.0", "phase": "serving", "age_ms": 125000, "address": "127.0.0.1:7233",
  "rss_bytes": 47395635, "cpu_ms": 1234,
  "queues": [{
    "namespace": "default", "task_queue": "video", "polls": {"workflow": 5, "activity": 1},
    "slots": {"workflow": 100, "activity": 2, "local": 100},
    "workflow_tasks": 0, "activities": 2, "local_activities": 0,
    "cached_workflows": 3, "cached_bytes": 20480,
    "pool": {"pid": 101, "generation": 1, "wanted": 2, "degraded": false,
             "last_crash": {"pid": 99, "how": "killed by SIGSEGV", "ago_ms": 12000, "activity_type": "die"}},
    "children": [
      {"pid": 102, "generation": 1, "state": "busy", "age_ms": 5000, "tasks": 7, "rss_bytes": 1048576,
       "cpu_ms": 20, "activity_type": "transcode", "task_ms": 1500, "heartbeats": 3},
      {"pid": 103, "generation": 1, "state": "idle", "age_ms": 90, "tasks": 0},
      {"pid": 104, "generation": 1, "state": "busy", "age_ms": 5000, "tasks": 1,
       "activity_type": "decode", "offloaded": true, "task_ms": 5, "heartbeats": 0}],
    "tasks": [
      {"pid": 102, "home": "children", "activity_type": "transcode", "attempt": 2, "age_ms": 1500,
       "workflow_id": "w-\u001b[31m", "activity_id": "5"},
      {"pid": 0, "home": "loops", "activity_type": "download", "attempt": 1, "age_ms": 60000,
       "workflow_id": "w-2", "activity_id": "1"}]}]})");

}  // namespace

TEST_CASE("OB9 ps has a line for each child and for each task elsewhere") {
  CHECK(
      ps_text(kView) ==
      "PID  STATE  GEN  AGE   RSS   CPU    TASKS  ACTIVITY   ATTEMPT  FOR    BEATS  TASK\n"
      "102  busy   1    5s    1.0M  0.02s  7      transcode  2        1s     3      w-?[31m/5\n"
      "103  idle   1    90ms  -     -      0      -          -        -      -      -\n"
      "104  busy   1    5s    -     -      1      decode     -        5ms    0      (handed over)\n"
      "-    loops  -    -     -     -      -      download   1        1m00s  -      w-2/1\n");
}

TEST_CASE("OB9 top says more of the worker and of each queue") {
  const auto text = top_text(kView);
  CHECK(text.starts_with(
      "temporal-supervisor 0.1.0, pid 100, serving, up 2m05s, RSS 45.2M, CPU 1.23s, server "
      "127.0.0.1:7233\n\n"
      "default/video: polls 5 workflow, 1 activity; running 0/100 workflow tasks, 2/2 activities, "
      "0/100 local; cached 3 workflows, 20K\n"
      "zygote 101, generation 1; children wanted 2; last crash 12s ago: 99 killed by SIGSEGV in "
      "die\n"
      "PID  STATE "));
  CHECK(text.ends_with(ps_text(kView)));
  auto full = kView;
  full["queues"][0]["activities"] = 2'002;
  CHECK(ps_text(full) == ps_text(kView) + "and 2000 tasks more\n");
}

TEST_CASE("what another version leaves out is shown as missing") {
  CHECK(ps_text(json::object()).empty());
  CHECK(top_text(json::object()).starts_with("temporal-supervisor -, pid -, -, up -"));
  CHECK(ps_text(json::parse(R"({"queues":[{"children":[{}],"tasks":[{}]}]})")).find("-") > 0);
}

TEST_CASE("nothing that a terminal would obey is printed") {
  CHECK(printable("a\x1b[2J\nb\x7f") == "a?[2J?b?");
  CHECK(printable("x\xc2\x9b"
                  "2Jy") == "x?2Jy");
  CHECK(printable("caf\xc3\xa9 \xc2\xa9") == "caf\xc3\xa9 \xc2\xa9");
}

TEST_CASE("a screen shows what fits, by characters") {
  CHECK(cut_to("caf\xc3\xa9s\nsecond\nthird\n", 4, 2) == "caf\xc3\xa9\nseco\n");
  CHECK(cut_to("short\n", 80, 24) == "short\n");
}

TEST_CASE("durations and sizes are short") {
  CHECK(short_duration(0ms) == "0ms");
  CHECK(short_duration(999ms) == "999ms");
  CHECK(short_duration(59s) == "59s");
  CHECK(short_duration(3min + 12s) == "3m12s");
  CHECK(short_duration(2h + 5min) == "2h05m");
  CHECK(short_duration(76h) == "3d04h");
  CHECK(short_size(0) == "0K");
  CHECK(short_size(1536) == "2K");
  CHECK(short_size(45 << 20) == "45.0M");
  CHECK(short_size(std::size_t{3} << 29) == "1.5G");
}

TEST_CASE(
    "OB9 memory and CPU are read from the kernel, and the second look tells how much of a core") {
  auto view = json::parse(R"({"queues":[{"pool":{"pid":0},"children":[{"pid":2000000000}]}]})");
  view["pid"] = ::getpid();
  UsageMeter meter;
  meter.add_to(view);
  CHECK(view["rss_bytes"] > 1 << 20);
  CHECK(view["cpu_ms"] >= 0);
  CHECK_FALSE(view.contains("cpu_percent"));
  CHECK_FALSE(view["queues"][0]["children"][0].contains("rss_bytes"));
  const auto before = usage_of(::getpid())->cpu;
  while (usage_of(::getpid())->cpu < before + 20ms) {
  }
  meter.add_to(view);
  CHECK(view["cpu_percent"] > 0);
  CHECK_FALSE(usage_of(2'000'000'000));
}
