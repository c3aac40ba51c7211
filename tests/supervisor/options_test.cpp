// SPDX-License-Identifier: MIT
// One file though it is long: one case for each kind of flag, in the order of --help, as the parser has them.
#include "supervisor/options.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "supervisor/version.hpp"
#include "tests/support/captured.hpp"

using namespace std::chrono_literals;
using namespace temporal::supervisor;
using temporal::LogLevel;

namespace {

struct Result : ParsedOptions {
  std::string out;
  std::string error;
};

Result parse(std::vector<std::string> words, bool own_modules = false) {
  words.insert(words.begin(), "temporal-supervisor");
  std::vector<const char*> arguments;
  for (const auto& word : words) arguments.push_back(word.c_str());
  const temporal::test::Captured said;
  auto parsed = parse_options(static_cast<int>(arguments.size()), arguments.data(), own_modules);
  return {std::move(parsed), said.out(), said.error()};
}

// The least that is enough, and one more word or two.
Result parse_more(std::vector<std::string> words) {
  words.insert(words.begin(), {"--module", "m.so", "--task-queue", "q"});
  return parse(std::move(words));
}

Options options(std::vector<std::string> words) {
  const auto result = parse_more(std::move(words));
  INFO(result.error);
  REQUIRE_FALSE(result.exit);
  return result.options;
}

// A usage error: exit code 2 and one sentence on stderr, which is returned.
std::string refusal(const Result& result) {
  CHECK(result.exit);
  CHECK(result.exit_code == kExitUsage);
  CHECK(result.out.empty());
  REQUIRE_FALSE(result.error.empty());
  INFO(result.error);
  CHECK(result.error.starts_with("temporal-supervisor: "));
  CHECK(result.error.find('\n') == result.error.size() - 1);
  return result.error;
}
std::string refusal(std::vector<std::string> words) {
  return refusal(parse_more(std::move(words)));
}

void says(const std::string& text, std::string_view part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
}

// A variable for as long as a test needs it.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

}  // namespace

TEST_CASE("a module and a task queue are enough; the rest has defaults") {
  const auto o = options({});
  CHECK(o.verb == Options::Verb::run);
  CHECK(o.modules == std::vector<std::filesystem::path>{"m.so"});
  CHECK(o.task_queue == "q");
  CHECK(o.address == "127.0.0.1:7233");
  CHECK(o.name_space == "default");
  CHECK(o.identity.starts_with(std::to_string(::getpid()) + "@"));
  CHECK_FALSE(o.dev);
  CHECK(o.children == usable_cores());
  CHECK(o.child_nice == 5);
  CHECK(o.child_max_tasks == 0);
  CHECK(o.child_max_age == 0s);
  CHECK(o.child_max_rss == 0);
  CHECK(o.max_bulk == std::size_t{256} << 20);
  CHECK(o.workflow_threads == std::max(2, usable_cores()));
  CHECK(o.loop_threads == 1);
  CHECK(o.max_concurrent_workflow_tasks == 100);
  CHECK(o.max_concurrent_activities == 100);
  CHECK(o.max_concurrent_local_activities == 100);
  CHECK_FALSE(o.max_eager_activities);
  CHECK_FALSE(o.no_remote_activities);
  CHECK_FALSE(o.use_versioning);
  CHECK(o.max_cached_workflows == 1000);
  CHECK(o.sticky_timeout == 10s);
  CHECK(o.nonsticky_ratio == 0.2);
  CHECK(o.workflow_pollers == 5);
  CHECK(o.activity_pollers == 5);
  CHECK(o.deadlock_timeout == 2s);
  CHECK(o.connect_timeout == 60s);
  CHECK(o.grace == 20s);
  CHECK(o.term_grace == 2s);
  CHECK_FALSE(o.cancel_grace);
  CHECK(o.timeout_grace == 10s);
  CHECK(o.local_timeout_buffer == 5s);
  CHECK(o.heartbeat_throttle_max == 60s);
  CHECK(o.heartbeat_throttle_default == 30s);
  CHECK(o.log_format == LogFormat::automatic);
  CHECK(o.log_level == LogLevel::info);
  CHECK(usable_cores() >= 1);
}

TEST_CASE("how activities are told to end, and how often they are heard of, can be set") {
  const auto o = options({"--cancel-grace", "1s", "--timeout-grace", "never",
                          "--local-timeout-buffer", "0", "--heartbeat-throttle-max", "2s",
                          "--heartbeat-throttle-default", "500ms", "--module", "n.so"});
  CHECK(o.cancel_grace == 1s);
  CHECK_FALSE(o.timeout_grace);
  CHECK(o.local_timeout_buffer == 0s);
  CHECK(o.heartbeat_throttle_max == 2s);
  CHECK(o.heartbeat_throttle_default == 500ms);
  CHECK_FALSE(options({"--cancel-grace", "never", "--module", "n.so"}).cancel_grace);
  CHECK(refusal(parse_more({"--cancel-grace", "soon"})).find("or never") != std::string::npos);
}

TEST_CASE("every flag is heard") {
  const auto o = options({"--address",   "temporal.example:7233",
                          "--namespace", "shop",
                          "--identity",  "me",
                          "--dev",       "--dev-db",
                          "dev.db",      "--dev-ui-port",
                          "8080",        "--children",
                          "7",           "--child-nice",
                          "0",           "--workflow-threads",
                          "3",           "--loop-threads",
                          "2",           "--max-concurrent-workflow-tasks",
                          "11",          "--max-concurrent-activities",
                          "12",          "--workflow-pollers",
                          "13",          "--max-cached-workflows",
                          "15",          "--sticky-timeout",
                          "3s",          "--nonsticky-ratio",
                          "0.5",         "--activity-pollers",
                          "14",          "--deadlock-timeout",
                          "0",           "--connect-timeout",
                          "500ms",       "--grace",
                          "1.5m",        "--term-grace",
                          "3s",          "--log-format",
                          "json",        "--log-level",
                          "debug",       "--module",
                          "n.so",        "--child-max-tasks",
                          "1000",        "--child-max-age",
                          "1h",          "--child-max-rss",
                          "2G",          "--max-bulk",
                          "1G"});
  CHECK(o.address == "temporal.example:7233");
  CHECK(o.name_space == "shop");
  CHECK(o.identity == "me");
  CHECK(o.dev);
  CHECK(o.dev_db == "dev.db");
  CHECK(o.dev_ui_port == 8080);
  CHECK(o.children == 7);
  CHECK(o.child_nice == 0);
  CHECK(o.child_max_tasks == 1000);
  CHECK(o.child_max_age == 1h);
  CHECK(o.child_max_rss == std::size_t{2} << 30);
  CHECK(o.max_bulk == std::size_t{1} << 30);
  CHECK(o.workflow_threads == 3);
  CHECK(o.loop_threads == 2);
  CHECK(o.max_concurrent_workflow_tasks == 11);
  CHECK(o.max_concurrent_activities == 12);
  CHECK(o.workflow_pollers == 13);
  CHECK(o.activity_pollers == 14);
  CHECK(o.max_cached_workflows == 15);
  CHECK(o.sticky_timeout == 3s);
  CHECK(o.nonsticky_ratio == 0.5);
  CHECK(o.deadlock_timeout == 0s);
  CHECK(o.connect_timeout == 500ms);
  CHECK(o.grace == 90s);
  CHECK(o.term_grace == 3s);
  CHECK(o.log_format == LogFormat::json);
  CHECK(o.log_level == LogLevel::debug);
  CHECK(o.modules == std::vector<std::filesystem::path>{"m.so", "n.so"});
}

TEST_CASE("sizes are bytes, or have a unit; the cache may take a quarter of the memory there is") {
  const auto cache = [](const char* size) {
    return options({"--max-cache-bytes", size, "--max-run-bytes", "1", "--module", "n.so"})
        .max_cache_bytes;
  };
  CHECK(cache("0") == 0);
  CHECK(cache("1000") == 1000);
  CHECK(cache("64K") == 64 * 1024);
  CHECK(cache("256m") == 256u << 20);
  CHECK(cache("2G") == 2ull << 30);
  for (const char* wrong : {"m", "-1", "1.5m", "1 m", "10mb", "99999999999t"})
    says(refusal({std::string("--max-cache-bytes=") + wrong}), "64K, 512M, 2G");
  const auto o = options({});
  CHECK(o.max_run_bytes == 0);
  CHECK(o.max_cache_bytes > 0);
  CHECK(o.max_cache_bytes <= usable_memory() / 4);
  CHECK(o.max_cache_bytes + (1 << 20) > usable_memory() / 4);
}

TEST_CASE("crash pages are kept where the system keeps state, elsewhere, or not at all") {
  {
    const Variable state("STATE_DIRECTORY", "/var/lib/worker");
    CHECK(options({}).crash_pages == "/var/lib/worker/crashes");
    CHECK(options({"--crash-pages", "/elsewhere", "--module", "n.so"}).crash_pages == "/elsewhere");
    CHECK(options({"--crash-pages", "off", "--module", "n.so"}).crash_pages.empty());
  }
  const Variable state("XDG_STATE_HOME", "/state");
  CHECK(options({}).crash_pages == "/state/temporal-supervisor/crashes");
}

TEST_CASE("run and replay are verbs; replay takes files after a module") {
  CHECK(options({"run"}).verb == Options::Verb::run);
  CHECK(parse({"run", "--module", "m.so", "--task-queue", "q"}).options.task_queue == "q");

  const auto replay = parse({"replay", "--module", "m.so", "one.json", "two.json"});
  INFO(replay.error);
  CHECK_FALSE(replay.exit);
  CHECK(replay.options.verb == Options::Verb::replay);
  CHECK(replay.options.modules == std::vector<std::filesystem::path>{"m.so"});
  CHECK(replay.options.histories == std::vector<std::filesystem::path>{"one.json", "two.json"});
  for (const char* part : {"FILE", "--workflow-id", "--task-queue"})
    says(refusal(parse({"replay", "--module", "m.so"})), part);
}

TEST_CASE("lint takes sources, and neither a module nor a task queue") {
  const auto lint = parse({"lint", "one.cpp", "two.cpp"});
  INFO(lint.error);
  CHECK_FALSE(lint.exit);
  CHECK(lint.options.verb == Options::Verb::lint);
  CHECK(lint.options.lint_files == std::vector<std::filesystem::path>{"one.cpp", "two.cpp"});
  says(refusal(parse({"lint"})), "lint hello.cpp");
  says(refusal(parse({"lint", "--all", "one.cpp"})), "--all");
  const auto help = parse({"lint", "--help"});
  CHECK(help.exit_code == 0);
  for (const char* part : {"heuristic", "// lint: safe", "clang-16", "GCC 13"})
    says(help.out, part);
}

TEST_CASE("LC10 verbs to a worker that runs need neither a module nor a task queue") {
  for (const std::string verb : {"ps", "top", "pause", "resume", "drain"}) {
    const auto parsed = parse({verb});
    INFO(parsed.error);
    CHECK_FALSE(parsed.exit);
    CHECK(parsed.options.verb == Options::Verb::control);
    CHECK(parsed.options.control.verb == verb);
    CHECK(parsed.options.control.pid == 0);
    CHECK_FALSE(parsed.options.control_socket);
  }
  CHECK(parse({"top", "--json", "--pid", "7"}).options.control.json);
  CHECK(parse({"top", "--json", "--pid", "7"}).options.control.pid == 7);
  CHECK(parse({"kill", "w/5"}).options.control.task == "w/5");
  CHECK(parse({"stack", "7"}).options.control.of == 7);
  const auto set = parse({"set", "children", "8", "--task-queue", "video"}).options;
  CHECK(set.control.name == "children");
  CHECK(set.control.value == "8");
  CHECK(set.task_queue == "video");
  CHECK(parse({"ps", "--control-socket", "/run/w.sock"}).options.control_socket == "/run/w.sock");
  CHECK(options({"--control-socket", "off"}).control_socket == "");
  says(refusal(parse({"kill"})), "TASK");
  says(refusal(parse({"set", "children"})), "VALUE");
  says(refusal(parse({"ps", "--pid", "me"})), "--pid");
  says(refusal(parse({"drain", "--json"})), "--json");
}

TEST_CASE("LC10 an unknown verb lists the verbs, an unknown flag is named") {
  for (const char* verb :
       {"run", "replay", "lint", "ps", "top", "kill", "drain", "pause", "resume", "set", "stack"})
    says(refusal(parse({"reboot", "now"})), verb);
  says(refusal(parse({"reboot"})), "there is no verb 'reboot'");
  says(refusal(parse_more({"--no-such-flag", "7"})), "--no-such-flag");
  says(refusal(parse({"ps", "more"})), "more");
}

TEST_CASE("replay takes histories from the server, by workflow or by task queue") {
  const auto one = parse({"replay", "--module", "m.so", "--workflow-id", "w", "--run-id", "r"});
  INFO(one.error);
  CHECK_FALSE(one.exit);
  CHECK(one.options.replay_workflow_id == "w");
  CHECK(one.options.replay_run_id == "r");
  const auto many = parse({"replay", "--module", "m.so", "--task-queue", "q", "--limit", "7",
                           "--address", "there:1", "--namespace", "n"});
  INFO(many.error);
  CHECK_FALSE(many.exit);
  CHECK(many.options.task_queue == "q");
  CHECK(many.options.replay_limit == 7);
  CHECK(many.options.address == "there:1");
  CHECK(parse({"replay", "--module", "m.so", "--task-queue", "q"}).options.replay_limit == 100);
  says(refusal(parse({"replay", "--module", "m.so", "--run-id", "r"})), "--workflow-id");
}

TEST_CASE("AX5 children are a number by core, rounded up, or a number") {
  CHECK(options({"--children-per-core", "3"}).children == 3 * usable_cores());
  CHECK(options({"--children-per-core", "0.0001"}).children == 1);
  CHECK(options({"--children-per-core", "1024"}).children == 1024);
  for (const char* wrong : {"0", "-1", "1025", "many", "nan"})
    CHECK(refusal({std::string("--children-per-core=") + wrong}).find("--children-per-core") !=
          std::string::npos);
  CHECK(refusal({"--children-per-core=1", "--children=2"}).find("excludes") != std::string::npos);
  CHECK(options({"--children=2", "--children-max=5"}).children_max == 5);
  CHECK(refusal({"--children=2", "--children-max=1"}).find("below --children") !=
        std::string::npos);
  CHECK_FALSE(options({}).pin);
  CHECK(options({"--pin"}).pin);
}

TEST_CASE("AX13 groups are workers beside the first") {
  const auto parsed =
      parse_more({"--group", "gpu=2,queue=video-gpu", "--group=io=1,queue=disk,cores=0"});
  REQUIRE(parsed.workers.size() == 3);
  CHECK(parsed.workers[1].task_queue == "video-gpu");
  CHECK(parsed.workers[2].cores == std::vector{0});
  CHECK(refusal({"--group=gpu=2"}).find("no task queue of its own") != std::string::npos);
  CHECK(refusal({"--tasks-per-child=4", "--group=g=2,queue=gpu,memory=2G"})
            .find("--tasks-per-child: a process that several activities share") !=
        std::string::npos);
  CHECK(refusal({"--cores=x"}).find("'x' is no list of cores") != std::string::npos);
  CHECK(options({"--child-memory", "1G"}).child_memory == 1 << 30);
}

TEST_CASE("children have cgroups where systemd has marked one, in a folder, or nowhere") {
  CHECK_FALSE(options({}).child_cgroup);
  CHECK_FALSE(options({"--child-cgroup=auto"}).child_cgroup);
  CHECK(options({"--child-cgroup", "/sys/fs/cgroup/w"}).child_cgroup == "/sys/fs/cgroup/w");
  CHECK(options({"--child-cgroup", "off"}).child_cgroup == "");
  CHECK(options({"--child-cgroup", "own"}).child_cgroup == kOwnCgroup);
}

TEST_CASE("children are a number or auto") {
  CHECK(options({"--children", "auto"}).children == usable_cores());
  CHECK(options({"--children", "0"}).children == 0);
  CHECK(options({"--children=1024"}).children == 1024);
  for (const char* wrong : {"many", "-1", "1025", "2.5", "3x", ""})
    refusal({std::string("--children=") + wrong});
}

TEST_CASE("a duration has a unit") {
  CHECK(options({"--grace", "2h"}).grace == 2h);
  CHECK(options({"--grace", "250ms"}).grace == 250ms);
  CHECK(options({"--grace", "0"}).grace == 0s);
  for (const char* wrong : {"10", "s", "-1s", "1 s", "10sec", "infs", "nans", "1e300h"}) {
    CAPTURE(wrong);
    says(refusal({std::string("--grace=") + wrong}), "is no duration; write 500ms, 10s, 2m or 1h");
  }
}

TEST_CASE("the environment stands in for a flag, and a flag wins over it") {
  const Variable queue("TEMPORAL_SUPERVISOR_TASK_QUEUE", "from-environment");
  const Variable module("TEMPORAL_SUPERVISOR_MODULE", "environment.so");
  const Variable address("TEMPORAL_ADDRESS", "elsewhere:1");
  const Variable name_space("TEMPORAL_NAMESPACE", "there");
  const Variable grace("TEMPORAL_SUPERVISOR_GRACE", "7s");
  const Variable children("TEMPORAL_SUPERVISOR_CHILDREN", "9");
  const Variable level("TEMPORAL_SUPERVISOR_LOG_LEVEL", "warn");
  const auto result = parse({"--grace", "8s"});
  INFO(result.error);
  REQUIRE_FALSE(result.exit);
  const auto& o = result.options;
  CHECK(o.task_queue == "from-environment");
  CHECK(o.modules == std::vector<std::filesystem::path>{"environment.so"});
  CHECK(o.address == "elsewhere:1");
  CHECK(o.name_space == "there");
  CHECK(o.grace == 8s);
  CHECK(o.children == 9);
  CHECK(o.log_level == LogLevel::warn);
}

TEST_CASE("what is wrong is said in one sentence") {
  const Variable wrong("TEMPORAL_SUPERVISOR_WORKFLOW_THREADS", "0");
  says(refusal(std::vector<std::string>{}), "--workflow-threads");
}

TEST_CASE("a wrong flag or value is named") {
  says(refusal({"--taskqueue", "x"}), "--taskqueue");
  says(refusal({"bogus"}), "bogus");
  says(refusal({"--grace"}), "--grace");
  says(refusal({"--grace="}), "--grace");
  says(refusal({"--log-format", "xml"}), "'xml' is not among its choices");
  says(refusal({"--log-level", "loud"}), "'loud' is not among its choices");
  for (const char* flag :
       {"--workflow-threads", "--loop-threads", "--max-concurrent-activities",
        "--max-concurrent-workflow-tasks", "--workflow-pollers", "--activity-pollers"})
    for (const char* value : {"0", "-1", "1000000", "x"})
      says(refusal({std::string(flag) + "=" + value}), flag);
  says(refusal({"--child-nice=20"}), "--child-nice");
  says(refusal({"--dev-ui-port=65536"}), "--dev-ui-port");
  says(refusal(parse({"--task-queue", "q"})), "--module");
  says(refusal(parse({"--module", "m.so"})), "--task-queue");
  says(refusal({"--identity", "caf\xc3\xa9"}), "only printable ASCII");
  says(refusal({"--namespace", "caf\xc3\xa9"}), "only printable ASCII");
  says(refusal(parse({"--module", "m.so", "--task-queue", std::string(1001, 'q')})), "1000 bytes");
  says(refusal(
           parse({"--module", "m.so", "--task-queue", "q", "--identity", std::string(1001, 'i')})),
       "1000 bytes");
  says(refusal(parse({"--module", "m.so", "--task-queue", "caf\xe9"})),
       "--task-queue: is not valid UTF-8");
}

TEST_CASE("K012 two queues need two places") {
  says(refusal({"--max-concurrent-workflow-tasks=1"}), "--max-cached-workflows 0");
  CHECK(options({"--max-concurrent-workflow-tasks=1", "--max-cached-workflows=0"})
            .max_concurrent_workflow_tasks == 1);
  says(refusal({"--sticky-timeout=0"}), "--sticky-timeout");
  for (const char* value : {"-1", "x", "1.5"})
    says(refusal({std::string("--max-cached-workflows=") + value}), "--max-cached-workflows");
  for (const char* value : {"-0.1", "1.1", "x"})
    says(refusal({std::string("--nonsticky-ratio=") + value}), "--nonsticky-ratio");
}

TEST_CASE("OB2 metrics: where, how they begin, in which unit, with which labels and buckets") {
  const auto o =
      options({"--metrics", ":9464", "--metrics-prefix", "shop_", "--metrics-unit", "s",
               "--metrics-label", "region=eu", "--metrics-label", "zone=a=b", "--metrics-buckets",
               "shop_request_latency=0.5,1,2e1", "--metrics-buckets", "pages=1"})
          .metrics;
  CHECK(o.address == ":9464");
  CHECK(o.prefix == "shop_");
  CHECK(o.unit == MetricsOptions::Unit::seconds);
  CHECK(o.labels == temporal::MetricLabels{{"region", "eu"}, {"zone", "a=b"}});
  CHECK(o.buckets.at("shop_request_latency") == std::vector<double>{0.5, 1, 20});
  CHECK(o.buckets.at("pages") == std::vector<double>{1});
  CHECK(options({}).metrics.address.empty());
  CHECK(options({}).metrics.prefix == "temporal_");

  says(refusal({"--metrics", "example.com:9464"}), "HOST:PORT");
  says(refusal({"--metrics-prefix", "1st-"}), "--metrics-prefix");
  says(refusal({"--metrics-unit", "min"}), "'min' is not among its choices");
  for (const char* wrong : {"region", "=eu", "a-b=c", "__a=b", "region=\xff"})
    says(refusal({"--metrics-label", wrong}), "NAME=VALUE");
  says(refusal({"--metrics-label", "task_queue=q"}), "'task_queue'");
  says(refusal({"--metrics-label", "a=1", "--metrics-label", "a=2"}), "twice");
  for (const char* wrong : {"pages", "pages=", "pages=1,", "pages=2,1", "pages=1,1", "pages=x",
                            "pages=inf", "pages=1;2", "a-b=1"})
    says(refusal({"--metrics-buckets", wrong}), "BOUND");
}

TEST_CASE("an address has a host and a port") {
  for (const char* wrong : {"localhost", "localhost:", ":7233", "localhost:x", "localhost:0",
                            "localhost:65536", "localhost:72 33"}) {
    CAPTURE(wrong);
    says(refusal({std::string("--address=") + wrong}), "HOST:PORT");
  }
  CHECK(options({"--address", "[::1]:7233"}).address == "[::1]:7233");
}

TEST_CASE("a program with modules of its own is not asked for any") {
  const auto result = parse({"--task-queue", "q"}, true);
  CHECK_FALSE(result.exit);
  CHECK(result.options.modules.empty());
  says(refusal(parse({"--task-queue", "q", "--module", "m.so"}, true)), "--module");
}

TEST_CASE("help and version are said on stdout, and are no error") {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"--help"}, {"replay", "--help"}}) {
    const auto help = parse(words);
    CHECK(help.exit);
    CHECK(help.exit_code == 0);
    CHECK(help.error.empty());
    says(help.out, "--module");
  }
  const auto help = parse({"--help"}).out;
  for (const char* part : {"--address", "--namespace", "--task-queue", "--children", "N|auto",
                           "--workflow-threads", "--grace", "=20s", "--identity", "--dev",
                           "TEMPORAL_ADDRESS", "TEMPORAL_SUPERVISOR_GRACE", "replay"})
    says(help, part);
  const auto version = parse({"--version"});
  CHECK(version.exit_code == 0);
  CHECK(version.out == "temporal-supervisor " PROJECT_VERSION "\n");
  CHECK(std::string(kVersion) == PROJECT_VERSION);
}
