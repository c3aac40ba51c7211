// SPDX-License-Identifier: MIT
// Children and zygotes that do not start, or are killed while they do.
#include <doctest/doctest.h>
#include <sched.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <csignal>
#include <fstream>

#include "supervisor/children/placement.hpp"
#include "tests/torture/invariants.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

namespace {

/// How the hostile module's children shall not start, from now on.
class BootOrder {
 public:
  BootOrder() { ::setenv("HOSTILE_BOOT", file_.c_str(), 1); }
  BootOrder(const BootOrder&) = delete;
  BootOrder& operator=(const BootOrder&) = delete;
  ~BootOrder() { ::unsetenv("HOSTILE_BOOT"); }
  void give(const std::string& order) { std::ofstream(file_) << order << "\n"; }
  void take_back() { std::filesystem::remove(file_); }

 private:
  Folder folder_;
  std::string file_ = (folder_.path() / "order").string();
};

std::ptrdiff_t lines_with(Invariants& row, std::string_view text) {
  return std::ranges::count_if(row.fixture().log.lines, [&](const auto& line) {
    return line.find(text) != std::string::npos;
  });
}

/// When each of the next `count` of what `counter` counts came.
template <class Counter>
asio::awaitable<std::vector<Clock::time_point>> next_ones(const Counter& counter,
                                                          std::size_t count) {
  std::vector<Clock::time_point> came;
  auto seen = counter();
  while (came.size() < count) {
    for (const auto now = counter(); seen < now; ++seen) came.push_back(Clock::now());
    co_await supervisor::pause(1ms);
  }
  co_return came;
}

void check_curve(const std::vector<Clock::time_point>& came) {
  for (std::size_t i = 1; i < came.size(); ++i) {
    CAPTURE(i);
    const auto due = 100ms * (1 << (i - 1));
    CHECK(came[i] - came[i - 1] >= due - 5ms);
    CHECK(came[i] - came[i - 1] <= due + 250ms);
  }
}

}  // namespace

TEST_CASE(
    "row 50: what cannot start says so at first, later is tried again by the curve, and recovers") {
  BootOrder boot;
  boot.give("load");
  const auto refused = refused_start(torture_options(1));
  CHECK(refused.sentence.find("this module does not load today") != std::string::npos);
  CHECK(refused.module);
  boot.take_back();

  Invariants row(torture_options(1), {.bystander = false});
  row.hold([&]() -> asio::awaitable<void> {
    // Its children, while tasks come all the time: none of them may hurry the next try.
    boot.give("exit");
    ::kill(row.victims().front(), SIGKILL);
    row.expect("killed");
    bool enough = false;
    std::vector<std::unique_ptr<Running>> waiting;
    const auto come = [&](int) -> asio::awaitable<void> {
      while (!enough) {
        waiting.push_back(std::make_unique<Running>(row.io()));
        waiting.back()->start(row.fixture(), "spin", "done"s, 5'000);
        co_await supervisor::pause(10ms);
      }
    };
    const auto watch = [&](int) -> asio::awaitable<void> {
      const auto starts = [&] { return row.pool().counts().starts; };
      const auto came = co_await next_ones(starts, 4);
      check_curve(came);
      boot.take_back();
      enough = true;
    };
    const auto either = [&](int lane) { return lane == 0 ? come(lane) : watch(lane); };
    co_await in_lanes(row, 2, either);
    for (auto& one : waiting) {
      co_await one->until_ended();
      CHECK(result<std::string>(*one->outcome) == "done");
    }
    co_await until_full(row.fixture(), row.children());
    row.expect("not_started", static_cast<std::uint64_t>(lines_with(row, "a child did not start")));

    // The module, after a zygote's death.
    boot.give("load");
    ::kill(row.pool().zygote_pid(), SIGKILL);
    row.expect("zygote_died", static_cast<std::uint64_t>(row.children()));
    const auto zygotes = [&] { return row.pool().counts().zygotes; };
    const auto came = co_await next_ones(zygotes, full() ? 6 : 5);
    check_curve(came);
    CHECK(row.fixture().log.contain("this module does not load today"));
    while (!row.pool().degraded()) co_await supervisor::pause(1ms);
    CHECK(row.pool().capacity() == 0);
    Running waits(row.io());
    waits.start(row.fixture(), "own_pid");
    boot.take_back();
    co_await waits.until_ended();
    CHECK(result<int>(*waits.outcome) > 0);
    row.count("9 refusals");
  });
}

TEST_CASE(
    "row 53: a child killed while it starts, or its zygote while it forks, is no half-made child") {
  const int kills = times(30, 1'000), zygotes = times(4, 60);
  std::mt19937 random(seed());
  Invariants row(torture_options(2), {.bystander = false, .loops = true});
  row.hold([&]() -> asio::awaitable<void> {
    const auto forked = [&] { return children_of(row.pool().zygote_pid()); };
    for (int i = 0; i < kills; ++i) {
      const auto before = forked();
      ::kill(row.victims().front(), SIGKILL);
      pid_t born = 0;
      while (born == 0) {
        for (pid_t pid : forked())
          if (std::ranges::find(before, pid) == before.end()) born = pid;
        co_await asio::post(row.io(), asio::use_awaitable);
      }
      // With turns of the loop between, or without one.
      const auto delay = std::chrono::microseconds(random() % 4'000);
      if (i % 2 == 0)
        co_await supervisor::pause(delay);
      else
        ::usleep(static_cast<useconds_t>(delay.count()));
      ::kill(born, SIGKILL);
      co_await until_dead(born);
      co_await until_full(row.fixture(), row.children());
      CHECK(row.pool().capacity() == row.children());
      const auto after = co_await row.fixture().call("own_pid");
      CHECK(result<int>(after) != born);
    }
    const auto total = [&] {
      std::uint64_t deaths = 0;
      for (const auto& [reason, count] : row.pool().counts().exits) deaths += count;
      return deaths;
    };
    while (total() < static_cast<std::uint64_t>(2 * kills)) co_await supervisor::pause(1ms);
    CHECK(total() == static_cast<std::uint64_t>(2 * kills));

    for (int i = 0; i < zygotes; ++i) {
      const pid_t old = row.pool().zygote_pid();
      ::kill(old, SIGKILL);
      while (row.pool().zygote_pid() == old || row.pool().zygote_pid() == 0)
        co_await supervisor::pause(1ms);
      co_await supervisor::pause(std::chrono::microseconds(random() % 30'000));
      ::kill(row.pool().zygote_pid(), SIGKILL);
      co_await supervisor::pause(1ms);
      const auto after = co_await row.fixture().call("own_pid");
      CHECK(result<int>(after) > 0);
      co_await until_full(row.fixture(), row.children());
    }
    while (row.pool().counts().stopping > 0) co_await supervisor::pause(1ms);
    // Each that was made has ended once, but those that are there, and those that a dead zygote was asked for.
    const auto there = row.children() + lines_with(row, "no memory or descriptors for a child");
    row.expect_any_of({"killed", "not_started", "zygote_died"},
                      row.pool().counts().starts - static_cast<std::uint64_t>(there));
    CHECK_FALSE(row.fixture().log.contain("garbage"));
    row.count(std::to_string(2 * kills) + " children, " + std::to_string(2 * zygotes) + " zygotes");
  });
}

TEST_CASE(
    "row 60: a child of another build is refused, both builds are named, and no task is lost") {
  auto other = torture_options(1);
  other.fingerprint = "another build";
  const auto refused = refused_start(other);
  CHECK(refused.sentence.find("(another build)") != std::string::npos);
  CHECK(refused.module);

  const std::vector orders{"layout"s, "fingerprint"s};
  BootOrder boot;
  Invariants row(torture_options(1), {.bystander = false});
  row.hold([&]() -> asio::awaitable<void> {
    std::ptrdiff_t refused = 0;
    for (const auto& order : orders) {
      CAPTURE(order);
      row.fixture().log.lines.clear();
      boot.give(order);
      for (pid_t pid : row.victims()) ::kill(pid, SIGKILL);
      row.expect("killed", static_cast<std::uint64_t>(row.children()));
      Running waiting(row.io());
      waiting.start(row.fixture(), "say_hello", "you"s);
      while (lines_with(row, "not of its zygote's build") == 0) co_await supervisor::pause(1ms);
      CHECK(row.fixture().log.contain(order == "layout" ? "\"layout\":99" : "of another build"));
      CHECK(row.fixture().log.contain("\"zygote\":"));
      CHECK(row.fixture().log.contain("\"zygote_layout\":" + std::to_string(ipc::kLayoutVersion)));
      CHECK_FALSE(waiting.outcome);
      boot.take_back();
      co_await waiting.until_ended();
      CHECK(result<std::string>(*waiting.outcome) == "Hello, you!");
      co_await until_full(row.fixture(), row.children());
      refused += lines_with(row, "a child did not start");
    }
    row.expect("not_started", static_cast<std::uint64_t>(refused));
    row.count(std::to_string(refused) + " children");
  });
}

TEST_CASE("row 50: children that cannot be added are no reason to do without those there are") {
  BootOrder boot;
  auto options = torture_options(2);
  options.most_children = 6;
  options.reap_after = 20ms;
  Invariants row(options);
  row.hold([&]() -> asio::awaitable<void> {
    boot.give("exit");
    std::vector<std::unique_ptr<Running>> tasks;
    for (int i = 0; i < 5; ++i) {
      tasks.push_back(std::make_unique<Running>(row.io()));
      tasks.back()->start(row.fixture(), "beat_and_wait", i);
    }
    while (lines_with(row, "a child did not start") < 3) co_await supervisor::pause(1ms);
    CHECK_FALSE(row.pool().degraded());
    CHECK(row.pool().capacity() == row.children());
    for (auto& task : tasks) {  // in their order, each in a child that another one leaves
      co_await task->until_beaten();
      task->handle.cancel(CancelReason::requested);
      co_await task->until_ended();
      CHECK(result<std::string>(*task->outcome) == "requested");
    }
    boot.take_back();
    row.expect("not_started", static_cast<std::uint64_t>(lines_with(row, "a child did not start")));
    if (!full()) co_return;
    while (row.pool().capacity() != 6) co_await supervisor::pause(10ms);
  });
}

TEST_CASE(
    "row 53: a child that is ready before its supervisor gets to wait for it is heard at once") {
  if (!niceness_can_be_taken_back()) {
    MESSAGE("skipped: row 53, who gives way to others here has no way back");
    return;
  }
  Invariants row(torture_options(0), {.longest_hold = 1s, .bystander = false});
  row.hold([&]() -> asio::awaitable<void> {
    // On one core, where whoever is asked for something runs before the one that asked.
    cpu_set_t before, one;
    REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
    CPU_ZERO(&one);
    CPU_SET(allowed_cores().front(), &one);
    const pid_t zygote = row.pool().zygote_pid();
    for (const pid_t pid : {zygote, pid_t{0}}) ::sched_setaffinity(pid, sizeof one, &one);
    const sched_param none{};
    REQUIRE(::sched_setscheduler(0, SCHED_IDLE, &none) == 0);
    std::vector<Clock::duration> replaced;
    for (int i = 0; i < 10; ++i) {
      const auto starts = row.pool().counts().starts;
      ::kill(row.pool().child_pids().front(), SIGKILL);
      const auto since = Clock::now();
      row.expect("killed");
      while (row.pool().counts().starts == starts) co_await supervisor::pause(1ms);
      co_await until_full(row.fixture(), row.children());
      replaced.push_back(Clock::now() - since);
      const auto done = co_await row.fixture().call("say_hello", "you"s);  // forgives the deaths
      CHECK(result<std::string>(done) == "Hello, you!");
    }
    ::sched_setscheduler(0, SCHED_OTHER, &none);
    for (const pid_t pid : {zygote, pid_t{0}}) ::sched_setaffinity(pid, sizeof before, &before);
    std::ranges::sort(replaced);
    CHECK_MESSAGE(replaced[replaced.size() / 2] < 40ms, "it was found by a look now and then");
  });
}
