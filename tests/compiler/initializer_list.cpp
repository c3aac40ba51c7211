// SPDX-License-Identifier: MIT
// An initializer_list anywhere inside a co_await expression: GCC 12 does not compile it.
#include <coroutine>
#include <exception>
#include <initializer_list>
#include <string_view>

struct Run {
  struct promise_type {
    Run get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};
struct Options {
  std::initializer_list<std::string_view> types;
};
std::suspend_never take(const Options&) { return {}; }

Run inside() { co_await take({.types = {"A", "B"}}); }
