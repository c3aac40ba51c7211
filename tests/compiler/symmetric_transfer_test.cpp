// SPDX-License-Identifier: MIT
// Symmetric transfer between coroutines promises constant stack. GCC keeps the promise at -O2 only,
// so workflow code is resumed by a trampoline. This pins the reason: two million awaits that
// complete at once, each in a frame of its own.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coroutine>
#include <csignal>
#include <exception>
#include <utility>

namespace {

struct Task {
  struct promise_type {
    std::coroutine_handle<> continuation = std::noop_coroutine();
    Task get_return_object() {
      return Task{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) const noexcept {
        return h.promise().continuation;
      }
      void await_resume() const noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  explicit Task(std::coroutine_handle<promise_type> h) : handle(h) {}
  Task(Task&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
  ~Task() {
    if (handle) handle.destroy();
  }
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) const noexcept {
    handle.promise().continuation = waiting;
    return handle;
  }
  void await_resume() const noexcept {}
  std::coroutine_handle<promise_type> handle;
};

Task nothing() { co_return; }
Task many(int count) {
  for (int i = 0; i < count; ++i) co_await nothing();
}

// In a process of its own, for it may overflow its stack.
bool survives(int count) {
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    for (int number : {SIGSEGV, SIGBUS, SIGABRT}) std::signal(number, SIG_DFL);
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    auto task = many(count);
    task.handle.resume();
    _exit(task.handle.done() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("two million synchronous awaits overflow the stack of GCC unless it optimises") {
  CHECK(survives(100));
#if !defined(__OPTIMIZE__) && !defined(__clang__)
  CHECK_FALSE(survives(2'000'000));
#elif !defined(__SANITIZE_ADDRESS__)
  CHECK(survives(2'000'000));
#endif
}
