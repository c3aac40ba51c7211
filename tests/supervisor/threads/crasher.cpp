// SPDX-License-Identifier: MIT
// A worker in the small, told by its argument how to die. Its log goes to stdout.
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "supervisor/threads/crash_report.hpp"
#include "supervisor/threads/current_task.hpp"
#include "supervisor/threads/task_executor.hpp"
#include "supervisor/threads/watchdog.hpp"
#include "temporal/log.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace temporal::supervisor;

namespace {

class StdoutLog final : public temporal::Logger {
 public:
  explicit StdoutLog(bool silent) : silent_(silent) {}
  void write(temporal::LogLevel level, std::string_view message,
             const temporal::LogFields& fields) override {
    // As if it waited for a lock that the crashed thread holds.
    while (silent_) ::pause();
    auto line = fields;
    line["level"] = temporal::to_string(level);
    line["message"] = message;
    std::cout << line.dump() + "\n" << std::flush;
  }

 private:
  bool silent_;
};

volatile int sink = 0;
int* volatile nowhere = nullptr;
void (*volatile no_function)() = nullptr;

[[gnu::noinline]] int store_nowhere() {
  *nowhere = 42;
  return sink;
}

[[gnu::noinline]] int recurse(int depth) {
  volatile char frame[512];
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

volatile int dividend = 100;
[[gnu::noinline]] int divide(int by) { return dividend / by; }

[[gnu::noinline]] void call_nowhere() {
  no_function();
  sink = 1;
}

void die(std::string_view how) {
  if (how == "segv" || how == "silent" || how == "plain") sink = store_nowhere();
  if (how == "overflow") sink = recurse(0);
  if (how == "divide") sink = divide(sink);
  if (how == "call") call_nowhere();
  if (how == "abort") std::abort();
  if (how == "throw") throw std::runtime_error("no such file");
}

}  // namespace

int main(int, char** argv) {
  const std::string how = argv[1];
  StdoutLog log(how == "silent");
  Watchdog watchdog(log, {.stall = how == "stopped" ? 500ms : 0ms});
  // Where a page is to be left, if the test wants one.
  const char* pages = std::getenv("CRASH_PAGES");
  const CrashReports crash_reports(watchdog, log, pages ? pages : "");
  asio::io_context loop;
  auto stay = asio::make_work_guard(loop);
  std::thread thread([&] {
    ::pthread_setname_np(::pthread_self(), "loop-0");
    const temporal::AlternateStack alternate_stack;
    loop.run();
  });

  if (how == "stopped") {
    auto watch = watchdog.watch("loop-0", Watchdog::LoopKind::user, loop.get_executor());
    std::cout << "ready" << std::endl;
    std::cin.get();  // it was stopped, and goes on
    std::this_thread::sleep_for(1s);
    const auto stalls = static_cast<int>(watchdog.stalls().at(0).count);
    watch = {};
    stay.reset();
    thread.join();
    return stalls;
  }
  const auto task = std::make_shared<TaskIdentity>(
      TaskFields{
          .activity_type = "deadly", .activity_id = "9", .workflow_id = "doom-1", .attempt = 1},
      pages ? "a note" : "");
  if (how == "main") {
    sink = store_nowhere();
  } else if (how == "watchdog") {
    watchdog.stack_of(0, [](auto) { sink = store_nowhere(); });
  } else if (how == "plain") {
    asio::post(loop, [&] { die(how); });
  } else {
    asio::post(TaskExecutor(loop.get_executor(), task), [&] { die(how); });
  }
  thread.join();
  return 0;
}
