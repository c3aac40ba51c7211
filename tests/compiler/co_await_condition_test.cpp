// SPDX-License-Identifier: MIT
// GCC 12 loses the parameters of a coroutine, and its `this`, that has no variable of its own and
// awaits in a condition: after the condition it reads them where they were before the coroutine was
// suspended. This pins which coroutines are hit; supervisor/lint looks for them.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coroutine>
#include <csignal>
#include <exception>

namespace {

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
constexpr bool kLost = true;
#else
constexpr bool kLost = false;
#endif

std::coroutine_handle<> waiting;

struct Run {
  struct promise_type {
    Run get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

struct Told {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) const noexcept { waiting = h; }
  bool await_resume() const noexcept { return true; }
};

struct Work {
  int steps = 0;
  Run condition_and_this();
};

Run in_if(Work& work) {
  if (co_await Told{}) ++work.steps;
}
Run in_if_not(Work& work) {
  if (!co_await Told{}) co_return;
  ++work.steps;
}
Run in_while(Work& work) {
  while (co_await Told{}) {
    ++work.steps;
    break;
  }
}
Run in_switch(Work& work) {
  switch (co_await Told{}) {
    default:
      ++work.steps;
  }
}
Run in_block(Work& work) {
  try {
    if (co_await Told{}) ++work.steps;
  } catch (...) {
    ++work.steps;
  }
}
Run Work::condition_and_this() {
  if (co_await Told{}) ++steps;
}
Run in_method(Work& work) { return work.condition_and_this(); }

Run named(Work& work) {
  const bool told = co_await Told{};
  if (told) ++work.steps;
}
Run with_variable(Work& work) {
  int one = 1;
  if (co_await Told{}) work.steps += one;
}
Run with_variable_in_a_block(Work& work) {
  if (co_await Told{}) {
    int one = 1;
    work.steps += one;
  }
}
Run with_variable_of_a_handler(Work& work) {
  try {
    if (co_await Told{}) ++work.steps;
  } catch (const int&) {
    work.steps = 0;
  }
}
Run in_lambda(Work& work) {
  return [](Work& given) -> Run {
    if (co_await Told{}) ++given.steps;
  }(work);
}
Run in_statement(Work& work) {
  if (work.steps == 0) co_await Told{};
  ++work.steps;
}

// Whether the coroutine still knows its parameter. In a process of its own, for it may crash.
bool knows(Run (*coroutine)(Work&)) {
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    for (int number : {SIGSEGV, SIGBUS, SIGILL, SIGABRT}) std::signal(number, SIG_DFL);
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    Work work;
    coroutine(work);
    [] {  // on the stack that the coroutine had
      volatile char dirt[4096];
      for (auto& byte : dirt) byte = 0x5a;
    }();
    waiting.resume();
    _exit(work.steps == 1 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("a coroutine without variables that awaits in a condition loses what it was given") {
  for (auto* coroutine : {in_if, in_if_not, in_while, in_switch, in_block, in_method})
    CHECK(knows(coroutine) == !kLost);
}

TEST_CASE("with a variable anywhere, a name for what was awaited, or as a lambda, it keeps them") {
  for (auto* coroutine : {named, with_variable, with_variable_in_a_block,
                          with_variable_of_a_handler, in_lambda, in_statement})
    CHECK(knows(coroutine));
}
