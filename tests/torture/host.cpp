// SPDX-License-Identifier: MIT
// A supervisor to be killed, with its crash handler: children that hold every kind of grandchild. Prints one line with the pids of
// the zygote, the children and the grandchildren, then runs until it dies; what it logs goes to stderr.
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <mutex>
#include <string>

#include "shared/payload_proto.hpp"
#include "supervisor/children/child_pool.hpp"
#include "supervisor/threads/crash_report.hpp"
#include "supervisor/threads/watchdog.hpp"

namespace {

namespace asio = boost::asio;
using namespace temporal::supervisor;
using namespace temporal::supervisor::children;

constexpr const char* kKinds[] = {"group", "session", "daemon"};

class Stderr final : public temporal::Logger {
  void write(temporal::LogLevel, std::string_view message,
             const temporal::LogFields& fields) override {
    const std::scoped_lock lock(mutex_);
    std::fprintf(stderr, "%s %s\n", std::string(message).c_str(), fields.dump().c_str());
  }
  std::mutex mutex_;
};

asio::awaitable<void> run_one(ChildPool& pool, AttemptHandle& handle, const char* kind) {
  temporal::child::v1::Start start;
  start.set_activity_type("leave_behind");
  temporal::to_proto(temporal::to_payload(std::string(kind)),
                     start.mutable_input()->add_payloads());
  (void)co_await pool.run(std::move(start), handle);
}

asio::awaitable<void> host(ChildPool& pool) {
  const auto core = co_await asio::this_coro::executor;
  co_await pool.start();
  std::printf("%d", pool.zygote_pid());
  for (pid_t pid : pool.child_pids()) std::printf(" %d", pid);
  std::list<AttemptHandle> handles;
  for (const char* kind : kKinds)
    asio::co_spawn(core, run_one(pool, handles.emplace_back(), kind), asio::detached);
  for (auto& handle : handles) {
    auto beat = handle.take_heartbeat();
    for (; !beat; beat = handle.take_heartbeat()) co_await pause(std::chrono::milliseconds(1));
    std::printf(" %d", std::atoi(beat->details.c_str() + 1));  // behind a quotation mark
  }
  std::puts("");
  std::fflush(stdout);
  for (;;) co_await pause(std::chrono::hours(1));
}

}  // namespace

int main() {
  asio::io_context io;
  Stderr log;
  Watchdog watchdog(log);
  const CrashReports crash_reports(watchdog, log);
  PoolOptions options;
  options.children = std::size(kKinds);
  options.program.executable = std::getenv("TEMPORAL_CHILD");
  options.program.modules = {std::getenv("HOSTILE_MODULE")};
  ChildPool pool(io.get_executor(), options, log);
  asio::co_spawn(io, host(pool), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  io.run();
}
