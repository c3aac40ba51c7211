// SPDX-License-Identifier: MIT
#include "temporal/worker.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "temporal/client.hpp"
#include "temporal/workflow.hpp"
#include "tests/fake_server/recording_log.hpp"
#include "tests/support/captured.hpp"
#include "tests/support/dev_server.hpp"

using namespace std::chrono_literals;
using namespace temporal;

std::string embedded_hello(std::string name) { return "Hello, " + name + "!"; }

struct EmbeddedHello {
  Task<std::string> run(std::string name) {
    co_return co_await workflow::execute_activity<embedded_hello>({.start_to_close_timeout = 10s},
                                                                  name);
  }
};

namespace {

void embedded(Module& m) {
  m.activity<embedded_hello>();
  m.workflow<EmbeddedHello>();
}

test::DevServer& dev_server() {
  static test::DevServer server;
  return server;
}

std::string hello_from(const std::string& queue) {
  const std::string address = dev_server().address();
  auto client = Client::connect({.address = address});
  return client.start<EmbeddedHello>({.task_queue = queue}, std::string("World")).result();
}

}  // namespace

TEST_CASE("AX26 a worker serves inside a program of another purpose, until it is told to stop") {
  Worker worker({.address = dev_server().address(),
                 .task_queue = "embedded",
                 .own_modules = {embedded},
                 .activity_executor = Executor::threads});
  std::thread serving([&] { worker.run(); });
  CHECK(hello_from("embedded") == "Hello, World!");
  worker.stop();
  serving.join();
}

TEST_CASE("AX26 two workers serve two queues of one program") {
  const auto options = [](const char* queue) {
    return WorkerOptions{.address = dev_server().address(),
                         .task_queue = queue,
                         .own_modules = {embedded},
                         .activity_executor = Executor::threads};
  };
  Worker one(options("one")), two(options("two"));
  std::thread serves_one([&] { one.run(); });
  std::thread serves_two([&] { two.run(); });
  CHECK(hello_from("one") == "Hello, World!");
  CHECK(hello_from("two") == "Hello, World!");
  one.stop();
  two.stop();
  serves_one.join();
  serves_two.join();
}

TEST_CASE("AX26 a worker that was told to stop before it runs ends at once") {
  Worker worker({.address = dev_server().address(),
                 .task_queue = "early",
                 .own_modules = {embedded},
                 .activity_executor = Executor::threads});
  worker.stop();
  worker.run();
}

TEST_CASE("AX26 a worker may serve workflows only, and its metrics") {
  test::RecordingLog log;
  Worker worker({.address = dev_server().address(),
                 .task_queue = "workflows",
                 .own_modules = {embedded},  // whose activity has no home here, and needs none
                 .workflows_only = true,
                 .metrics = "127.0.0.1:0",
                 .log = &log});
  worker.stop();
  worker.run();
  CHECK(std::ranges::count(log.lines, "metrics are served", &test::RecordingLog::Line::message) ==
        1);
}

TEST_CASE("AX26 run_worker() does not begin where threads run already, and says so") {
  std::promise<void> end;
  std::thread other([&] { end.get_future().wait(); });
  char name[] = "worker";
  char* arguments[] = {name, nullptr};
  const test::Captured said;
  const int code = run_worker(1, arguments, {embedded});
  end.set_value();
  other.join();
  CHECK(code == 2);
  CHECK(said.error().find("run_worker() must come first in main()") != std::string::npos);
}

TEST_CASE("AX26 what cannot work is said in a sentence") {
  const auto with = [](std::optional<int> children, bool workflows_only, bool activities_only) {
    Worker({.task_queue = "q",
            .own_modules = {embedded},
            .workflows_only = workflows_only,
            .activities_only = activities_only,
            .children = children});
  };
  with(0, false, false);
  CHECK_THROWS_AS(Worker({.task_queue = "q", .modules = {"m.so"}, .children = -1}),
                  std::invalid_argument);
  CHECK_THROWS_WITH_AS(with({}, true, true),
                       "--workflows-only, --activities-only: both leave nothing to serve",
                       std::invalid_argument);

  CHECK_THROWS_WITH_AS(Worker({.own_modules = {embedded}}),
                       "--task-queue: nothing to poll; name the queue, as in --task-queue hello",
                       std::invalid_argument);
  test::RecordingLog log;
  Worker childless({.address = dev_server().address(),
                    .task_queue = "q",
                    .own_modules = {embedded},
                    .log = &log});
  try {
    childless.run();
    FAIL("it did not throw");
  } catch (const std::runtime_error& error) {
    CHECK(std::string(error.what()).find("embedded_hello") != std::string::npos);
    CHECK(std::string(error.what()).find("threads") != std::string::npos);
  }
  Worker lost({.address = "127.0.0.1:1",
               .task_queue = "q",
               .own_modules = {embedded},
               .activity_executor = Executor::threads,
               .connect_timeout = 100ms,
               .log = &log});
  try {
    lost.run();
    FAIL("it did not throw");
  } catch (const std::runtime_error& error) {
    CHECK(std::string(error.what()).find("127.0.0.1:1") != std::string::npos);
  }
}
