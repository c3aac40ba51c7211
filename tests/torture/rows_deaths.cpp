// SPDX-License-Identifier: MIT
// How an activity can die by its own hand, and what is told of it.
#include <doctest/doctest.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "tests/torture/invariants.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

namespace {

/// In the working folder, and not in a place or a program of the system's choice.
bool cores_land_here() {
  std::string pattern;
  std::getline(std::ifstream("/proc/sys/kernel/core_pattern"), pattern);
  return pattern.find_first_of("|/") == std::string::npos;
}

}  // namespace

TEST_CASE("row 3: a fault is attributed to its signal, and dumps core only where that is wanted") {
  Invariants row(torture_options(2));
  row.hold([&]() -> asio::awaitable<void> {
    for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL})
      for (bool core : {false, true}) {
        CAPTURE(signal);
        CAPTURE(core);
        Folder folder;
        const auto outcome =
            co_await row.fixture().call("fault", signal, core, folder.path().string());
        row.expect("crashed");
        CHECK(type_of(outcome) == "ActivityProcessCrashed");
        CHECK_FALSE(failure(outcome).application_failure_info().non_retryable());
        CHECK(failure(outcome).message().find(::sigabbrev_np(signal)) != std::string::npos);
        const auto details = details_of(outcome);
        CHECK(details["signal"] == signal);
        CHECK(failure(outcome).stack_trace().ends_with(" frames\n"));
        CHECK_FALSE(details["stack_overflow"].get<bool>());
        if (cores_land_here())
          CHECK(details["core_dumped"].get<bool>() != std::filesystem::is_empty(folder.path()));
        if (!core) CHECK_FALSE(details["core_dumped"].get<bool>());
        const auto after = co_await row.fixture().call("say_hello", "you"s);
        CHECK(result<std::string>(after) == "Hello, you!");
      }
    row.count("8 faults");
  });
}

TEST_CASE("row 55: a long core dump delays neither the report of the crash nor the replacement") {
  const int mib = times(1'024, 8'192);
  const Folder folder;  // what lands here takes its time to be deleted
  Invariants row(torture_options(1));
  row.hold([&]() -> asio::awaitable<void> {
    const auto flags = co_await row.fixture().call("flags_of_arena");
    std::istringstream lines(result<std::string>(flags));
    int halves = 0;
    for (std::string line; std::getline(lines, line); ++halves)
      CHECK_MESSAGE(line.find(" dd") != std::string::npos, "a dump would contain it: " << line);
    CHECK(halves == 2);
    if (!cores_land_here()) {
      MESSAGE("skipped: row 55, core files do not land where the process is");
      co_return;
    }
    Running running(row.io());
    running.start(row.fixture(), "dump_much", mib, folder.path().string());
    co_await running.until_started();
    const pid_t pid = running.handle.pid();
    co_await running.until_ended();
    row.expect("crashed");
    CHECK(type_of(*running.outcome) == "ActivityProcessCrashed");
    CHECK(details_of(*running.outcome)["signal"] == SIGSEGV);
    CHECK(details_of(*running.outcome)["core_dumped"] == true);
    co_await until_full(row.fixture(), row.children());
    const auto after = co_await row.fixture().call("say_hello", "you"s);
    CHECK(result<std::string>(after) == "Hello, you!");
    CHECK_MESSAGE(alive(pid), "the dump was over before all that: it needs more memory");
    co_await until_dead(pid);
    CHECK_FALSE(std::filesystem::is_empty(folder.path()));
    row.count(std::to_string(mib) + " MiB");
  });
}

TEST_CASE("row 4: abort, assert, terminate and an exception out of a thread keep their words") {
  const std::map<std::string, std::string> words{
      {"abort", ""},
      {"assert", "the_moon_is_cheese"},
      {"terminate", "terminate called"},
      {"thread", "what():  thrown where nobody catches"}};
  Invariants row(torture_options(2));
  row.hold([&]() -> asio::awaitable<void> {
    for (const auto& [how, said] : words) {
      CAPTURE(how);
      const auto outcome = co_await row.fixture().call("abort_by", how);
      row.expect("crashed");
      CHECK(type_of(outcome) == "ActivityProcessCrashed");
      CHECK(failure(outcome).message().find("SIGABRT") != std::string::npos);
      const auto details = details_of(outcome);
      CHECK(details["signal"] == SIGABRT);
      CHECK(failure(outcome).stack_trace().ends_with(" frames\n"));
      CHECK(details["stderr_tail"].get<std::string>().find(said) != std::string::npos);
      const auto after = co_await row.fixture().call("no_op");
      CHECK(std::holds_alternative<Completed>(after));
    }
    row.count("4 aborts");
  });
}

TEST_CASE("row 10: a stack overflow is told as one, on a stack that is left") {
  Invariants row(torture_options(1));
  row.hold([&]() -> asio::awaitable<void> {
    const auto outcome = co_await row.fixture().call("recurse_for_ever");
    row.expect("crashed");
    CHECK(type_of(outcome) == "ActivityProcessCrashed");
    CHECK(failure(outcome).message().find("SIGSEGV, stack overflow") != std::string::npos);
    CHECK(details_of(outcome)["stack_overflow"].get<bool>());
    row.count("1 overflow");
  });
}

TEST_CASE("row 5: an exception leaves the function as a failure of its type; the child lives") {
  Invariants row(torture_options(1));
  row.hold([&]() -> asio::awaitable<void> {
    const auto mine = row.victims();
    const auto plain = co_await row.fixture().call("throw_error", "outer"s);
    CHECK(type_of(plain) == "std::runtime_error");
    CHECK(failure(plain).message() == "outer");
    CHECK_FALSE(failure(plain).application_failure_info().non_retryable());
    CHECK(failure(plain).cause().application_failure_info().type() == "std::invalid_argument");
    const auto said = co_await row.fixture().call("throw_application_error");
    CHECK(type_of(said) == "CardDeclined");
    CHECK(failure(said).application_failure_info().non_retryable());
    CHECK(row.victims() == mine);
    row.count("2 exceptions");
  });
}

// A what() that throws ends in std::terminate by the language's own rule, which is row 4.
TEST_CASE("row 6: an exception that cannot be copied, told or kept short harms nobody") {
  Invariants row(torture_options(1));
  row.hold([&]() -> asio::awaitable<void> {
    const auto mine = row.victims();
    const auto copied = co_await row.fixture().call("throw_awkward", "copy"s);
    CHECK(type_of(copied) == "hostile::(anonymous namespace)::CopyThrows");
    CHECK(failure(copied).message() == "not to be copied");
    const auto silent = co_await row.fixture().call("throw_awkward", "null"s);
    CHECK(type_of(silent) == "hostile::(anonymous namespace)::NoText");
    CHECK(failure(silent).message().empty());
    const auto endless = co_await row.fixture().call("throw_awkward", "long"s);
    CHECK(type_of(endless) == "std::runtime_error");
    CHECK(failure(endless).message().size() < 100'000);
    CHECK(failure(endless).message().ends_with("... (cut)"));
    const auto number = co_await row.fixture().call("throw_awkward", "int"s);
    CHECK(type_of(number) == "UnknownException");
    CHECK_FALSE(failure(number).application_failure_info().non_retryable());
    CHECK(row.victims() == mine);
    row.count("4 exceptions");
  });
}

TEST_CASE("row 15: an exit with code 0 in the middle of a task is a death, not a recycling") {
  const std::vector ways{"exit"s, "_exit"s, "quick_exit"s, "thread"s};
  Invariants row(torture_options(1));
  row.hold([&]() -> asio::awaitable<void> {
    for (const auto& how : ways) {
      CAPTURE(how);
      const auto outcome = co_await row.fixture().call("exit_by", how);
      row.expect("exited");
      CHECK(type_of(outcome) == "ActivityProcessExited");
      CHECK_FALSE(failure(outcome).application_failure_info().non_retryable());
      CHECK(details_of(outcome)["exit_code"] == 0);
      const auto after = co_await row.fixture().call("no_op");
      CHECK(std::holds_alternative<Completed>(after));
    }
    const auto recycled = co_await row.fixture().call("exit_with", 155);
    row.expect("exited");
    CHECK(type_of(recycled) == "ActivityProcessExited");
    row.count("5 exits");
  });
}

TEST_CASE("row 16: a child that leaves between two tasks costs no task and no budget") {
  const int tasks = times(60, 2'000);
  auto options = torture_options(2);
  options.recycling.max_tasks = 1;
  Invariants row(options, {.loops = true});
  row.hold([&]() -> asio::awaitable<void> {
    for (int i = 0; i < tasks; ++i) {
      const auto outcome = co_await row.fixture().call("count_tasks");
      CHECK(result<int>(outcome) == 1);
      CHECK_FALSE(row.pool().degraded());
    }
    row.expect("recycled",
               static_cast<std::uint64_t>(tasks) + 1);  // and the bystander's, in the end
    row.count(std::to_string(tasks) + " children left");
  });
}

TEST_CASE("row 17: a result published before the exit counts") {
  const int exits = times(50, 2'000);
  Invariants row(torture_options(1), {.loops = true});
  row.hold([&]() -> asio::awaitable<void> {
    for (int i = 0; i < exits; ++i) {
      Running running(row.io());
      running.start(row.fixture(), "complete_then_exit");
      co_await running.until_started();
      const pid_t pid = running.handle.pid();
      // Without the loop: the result lies in the ring, and its process is gone.
      busy_until([&] { return !alive(pid); });
      row.watch().forgive();
      co_await running.until_ended();
      CHECK(result<int>(*running.outcome) == pid);
      row.expect("exited");
      const auto after = co_await row.fixture().call("no_op");
      CHECK(std::holds_alternative<Completed>(after));
    }
    row.count(std::to_string(exits) + " exits");
  });
}

TEST_CASE("row 59: a child that dies after it left its task to others is no failure of that task") {
  Invariants row(torture_options(1));
  row.hold([&]() -> asio::awaitable<void> {
    const int deaths = times(5, 100);
    for (int i = 0; i < deaths; ++i) {
      const auto outcome = co_await row.fixture().call("complete_later");
      CHECK(std::holds_alternative<Async>(outcome));
      CHECK(row.pool().idle_count() == 1);
      ::kill(row.victims().front(), SIGKILL);
      row.expect("killed");
      const auto after = co_await row.fixture().call("no_op");
      CHECK(std::holds_alternative<Completed>(after));
    }
    row.count(std::to_string(deaths) + " deaths");
  });
}
