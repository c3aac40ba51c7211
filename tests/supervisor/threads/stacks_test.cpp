// SPDX-License-Identifier: MIT
#include "supervisor/threads/stacks.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <string>
#include <thread>

#include "shared/module_loader.hpp"
#include "supervisor/threads/coroutine_chain.hpp"
#include "supervisor/threads/current_task.hpp"
#include "supervisor/threads/symbols.hpp"
#include "supervisor/threads/task_executor.hpp"
#include "temporal/activity.hpp"
#include "tests/supervisor/threads/support.hpp"
#include "tests/support/sanitizer.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace temporal::supervisor;
using temporal::test::kThreadSanitizer;
using temporal::test::Pipe;
using temporal::test::place_of;

namespace {

constexpr auto kPatience = 10s;  // the machine may be busy

const temporal::Module& blocks(const std::string& name = "blocks") {
  static std::map<std::string, temporal::Module> modules;
  const auto [module, is_new] = modules.try_emplace(name);
  if (is_new) temporal::load_module(temporal::test::module_path(name), module->second);
  return module->second;
}

temporal::Payloads arguments(const Pipe& announce, const Pipe& release) {
  return {temporal::to_payload(announce.in()), temporal::to_payload(release.out())};
}

// What no activity here asks for anything.
class Silent final : public temporal::activity::detail::ContextBackend {
 public:
  const temporal::activity::Info& info() const override { throw std::logic_error("no info"); }
  void heartbeat(std::string_view, std::string_view) override {}
  void progress() noexcept override {}
  const temporal::Payloads& last_heartbeat() const override { return none_; }
  std::optional<temporal::CancelReason> cancel_reason() const noexcept override { return {}; }
  bool wait_cancelled(temporal::Duration) override { return false; }
  std::stop_token stop_token() override { return {}; }
  bool wait_worker_shutdown(temporal::Duration) override { return false; }
  boost::asio::awaitable<bool> async_wait_worker_shutdown(temporal::Duration) override {
    co_return false;
  }
  bool worker_shutdown() const noexcept override { return false; }
  temporal::Logger& log() override { throw std::logic_error("no log"); }
  temporal::Metrics& metrics() override { throw std::logic_error("no metrics"); }

 private:
  temporal::Payloads none_;
};

std::string all(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += "\n  " + line;
  return text;
}

// A thread that runs `work` until the test ends; its id.
class Runner {
 public:
  template <typename Work>
  explicit Runner(Work work)
      : thread_([this, work] {
          id_ = ::gettid();
          work();
        }) {
    while (id_ == 0) std::this_thread::yield();
  }
  ~Runner() { thread_.join(); }
  [[nodiscard]] pid_t id() const { return id_; }

 private:
  std::atomic<pid_t> id_ = 0;
  std::thread thread_;
};

// In read() or a computation it keeps them until that is over.
bool signals_come_late() {
  if (kThreadSanitizer) MESSAGE("skipped: ThreadSanitizer delivers signals at its own time");
  return kThreadSanitizer;
}

[[gnu::noinline]] void spin_until(const std::atomic<bool>& done) {
  while (!done) {
  }
}

}  // namespace

TEST_CASE("the stack of a thread that waits names a module's hidden function near the top") {
  if (signals_come_late()) return;
  prepare_stacks();
  for (const std::string name : {"blocks", "blocks_bare"}) {
    CAPTURE(name);
    const auto& module = blocks(name);
    const Pipe announce, release;
    Silent backend;
    const Runner runner([&] {
      temporal::activity::Context context(backend);
      (void)module.activities().at("waits").call(context, arguments(announce, release));
    });
    announce.take();
    const auto snapshot = snapshot_of(runner.id(), kPatience);
    release.put();
    REQUIRE(snapshot);
    CHECK(!snapshot->has_task);
    const auto lines = printed(*snapshot);
    INFO(all(lines));
    const std::string place = name == "blocks" ? " at blocks.cpp:" : " in libblocks_bare.so";
    const auto hidden = place_of(lines, "hidden_wait(int, int)" + place);
    CHECK(hidden < 4);
    // Without debug information nobody knows what was inlined into what calls it.
    REQUIRE(lines.size() > hidden + 1);
    CHECK(lines[hidden + 1].find("waits(int, int)") != std::string::npos);
  }
}

TEST_CASE("the stack of a thread that computes") {
  if (signals_come_late()) return;
  prepare_stacks();
  std::atomic<bool> done = false;
  std::vector<std::string> lines;
  {
    const Runner runner([&] { spin_until(done); });
    if (const auto snapshot = snapshot_of(runner.id(), kPatience)) lines = printed(*snapshot);
    done = true;
  }
  INFO(all(lines));
  CHECK(place_of(lines, "(anonymous namespace)::spin_until(") < 4);
}

TEST_CASE(
    "AX27 the coroutines that await the blocked one are named, the loop's own frames are not") {
  if (signals_come_late()) return;
  prepare_stacks();
  const Pipe announce, release;
  Silent backend;
  const auto task = std::make_shared<TaskIdentity>(
      TaskFields{.activity_type = "awaits", .workflow_id = "w-1", .attempt = 2});
  const auto outermost = [&]() -> asio::awaitable<temporal::Payload> {
    const CoroutineChain chain(*task, co_await coroutine_entry());
    temporal::activity::Context context(backend);
    auto input = arguments(announce, release);
    co_return co_await blocks().activities().at("awaits").call_on_loop(context, std::move(input));
  };
  std::exception_ptr failed;
  int result = 0;
  const Runner runner([&] {
    asio::io_context loop;
    asio::co_spawn(TaskExecutor(loop.get_executor(), task), outermost(),
                   [&](std::exception_ptr error, temporal::Payload payload) {
                     failed = error;
                     if (!error) result = temporal::from_payload<int>(payload);
                   });
    loop.run();
  });
  announce.take();
  const auto snapshot = snapshot_of(runner.id(), kPatience);
  release.put();
  REQUIRE(snapshot);
  REQUIRE(snapshot->has_task);
  CHECK(snapshot->task.fields().activity_type == "awaits");
  CHECK(snapshot->task.fields().workflow_id == "w-1");
  CHECK(snapshot->task.fields().attempt == 2);

  const auto lines = printed(*snapshot);
  INFO(all(lines));
  const auto hidden = place_of(lines, "hidden_wait(int, int) at blocks.cpp:");
  const auto innermost = place_of(lines, "innermost");
  const auto between = place_of(lines, "awaited by in_between");
  const auto awaits = place_of(lines, "awaited by awaits");
  CHECK(hidden < 4);
  CHECK(innermost == hidden + 1);
  CHECK(awaits == between + 1);
  CHECK(awaits < lines.size());
  CHECK(between > innermost);
  // Asio's own frames in between are known by their names, which a sanitizer's build keeps more of than ours does.
  if (!temporal::test::kSanitizer) CHECK(between == innermost + 1);
}

TEST_CASE("a thread that is gone, and one that takes no signals, are not waited for") {
  prepare_stacks();
  pid_t gone = 0;
  std::thread([&] { gone = ::gettid(); }).join();
  CHECK(!snapshot_of(gone, kPatience));

  const Pipe announce, release;
  {
    const Runner runner([&] {
      sigset_t all_signals;
      ::sigfillset(&all_signals);
      ::pthread_sigmask(SIG_BLOCK, &all_signals, nullptr);
      announce.put();
      release.take();
      ::pthread_sigmask(SIG_UNBLOCK, &all_signals, nullptr);  // the late signal finds no question
      announce.put();
      release.take();
    });
    announce.take();
    CHECK(!snapshot_of(runner.id(), 20ms));
    release.put();
    announce.take();
    CHECK(snapshot_of(runner.id(), kPatience));
    release.put();
  }
}

TEST_CASE("a system call that can go on after a signal does") {
  if (signals_come_late()) return;
  prepare_stacks();
  const Pipe announce, release;
  ssize_t got = 0;
  {
    const Runner runner([&] {
      char byte = 0;
      announce.put();
      got = ::read(release.out(), &byte, 1);
    });
    announce.take();
    for (int i = 0; i < 20; ++i) CHECK(snapshot_of(runner.id(), kPatience));
    release.put();
  }
  CHECK(got == 1);
}

TEST_CASE("addresses that nobody knows are printed as they are") {
  CHECK(to_string(resolve(std::vector<std::uintptr_t>{0x10}).front()) == "0x10");
  Frame frame{.address = 0x1234};
  frame.object = "libx.so";
  frame.offset = 0x34;
  CHECK(to_string(frame) == "0x1234 in libx.so+0x34");
}
