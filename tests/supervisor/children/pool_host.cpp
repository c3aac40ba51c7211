// SPDX-License-Identifier: MIT
// A supervisor to be killed: a pool whose activities each start a process in a session of its own. Prints one line with the pids of
// the zygote, the children and those processes; then runs until it dies.
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <list>

#include "supervisor/children/child_pool.hpp"

namespace {

namespace asio = boost::asio;
using namespace temporal::supervisor;
using namespace temporal::supervisor::children;

constexpr int kChildren = 3;

class Silence final : public temporal::Logger {
  void write(temporal::LogLevel, std::string_view, const temporal::LogFields&) override {}
};

asio::awaitable<void> run_daemon(ChildPool& pool, AttemptHandle& handle) {
  temporal::child::v1::Start start;
  start.set_activity_type("start_daemon");
  (void)co_await pool.run(std::move(start), handle);
}

asio::awaitable<void> host(ChildPool& pool) {
  co_await pool.start();
  std::printf("%d", pool.zygote_pid());
  for (pid_t pid : pool.child_pids()) std::printf(" %d", pid);
  std::list<AttemptHandle> handles(kChildren);
  for (auto& handle : handles)
    asio::co_spawn(co_await asio::this_coro::executor, run_daemon(pool, handle), asio::detached);
  for (auto& handle : handles) {
    for (;;) {
      if (auto beat = handle.take_heartbeat()) {
        std::printf(" %s", beat->details.c_str());
        break;
      }
      co_await pause(std::chrono::milliseconds(1));
    }
  }
  std::puts("");
  std::fflush(stdout);
  for (;;) co_await pause(std::chrono::hours(1));
}

}  // namespace

int main() {
  asio::io_context io;
  Silence log;
  PoolOptions options;
  options.children = kChildren;
  options.program.executable = std::getenv("TEMPORAL_CHILD");
  options.program.modules = {std::getenv("TEST_MODULE")};
  ChildPool pool(io.get_executor(), options, log);
  asio::co_spawn(io, host(pool), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  io.run();
}
