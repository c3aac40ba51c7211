// SPDX-License-Identifier: MIT
// GCC 12 destroys some temporaries twice when they are made inside a co_await expression, silently
// and at every -O level. This pins which ones. When a case here fails, the compiler has changed:
// look at the guards in signature.hpp and at supervisor/lint before changing the case.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace {

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
constexpr bool kTwice = true;
#else
constexpr bool kTwice = false;
#endif

// Counts instead of owning memory: being destroyed twice is seen and does no harm.
struct Owner {
  static inline int alive = 0;
  Owner() { ++alive; }
  Owner(const Owner&) { ++alive; }
  Owner(Owner&&) noexcept { ++alive; }
  Owner& operator=(const Owner&) = default;
  ~Owner() { --alive; }
};

struct Aggregate {
  Owner owner;
  int quantity = 0;
};

struct WithConstructor {
  WithConstructor(Owner o, int q) : owner(std::move(o)), quantity(q) {}
  Owner owner;
  int quantity;
};

struct Options {  // as options.hpp has them: trivially destructible
  int attempts = 0;
  std::string_view queue;
};

struct Run {
  struct promise_type {
    Run get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

struct Awaitable {
  int value = 0;
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  int await_resume() const noexcept { return value; }
};

struct MakesOwner : Awaitable {
  Owner await_resume() const noexcept { return {}; }
};

Awaitable take(const Aggregate& a) { return {a.quantity}; }
Awaitable take_or_nothing(const Aggregate& a = {}) { return {a.quantity}; }
Awaitable take_with_constructor(const WithConstructor& a) { return {a.quantity}; }
Awaitable take_owner(const Owner&) { return {1}; }
Awaitable take_options(const Options& o) { return {o.attempts + int(o.queue.size())}; }
Awaitable take_string(std::string s) { return {int(s.size())}; }
template <class F>
Awaitable call(F&& f) {
  return {f()};
}
Awaitable call_erased(const std::function<int()>& f) { return {f()}; }

// How many more destructions than constructions a coroutine body has done.
template <class Body>
int destroyed_too_often(Body body) {
  Owner::alive = 0;
  body();
  return -Owner::alive;
}

Run aggregate_inside() { co_await take(Aggregate{Owner{}, 2}); }
Run designated_aggregate_inside() { co_await take(Aggregate{.owner = {}, .quantity = 2}); }
Run aggregate_before() {
  auto taken = take(Aggregate{Owner{}, 2});
  co_await taken;
}
Run aggregate_named() {
  Aggregate named{Owner{}, 2};
  co_await take(named);
}
Run aggregate_moved() {
  Aggregate named{Owner{}, 2};
  co_await take(std::move(named));
}
Run constructed_inside() { co_await take_with_constructor(WithConstructor{Owner{}, 2}); }
#ifdef __cpp_aggregate_paren_init
Run aggregate_in_parentheses_inside() { co_await take(Aggregate(Owner{}, 2)); }
#endif
Run aggregate_beside() {
  const int sum = take(Aggregate{}).value + co_await Awaitable{1};
  (void)sum;
}
Run aggregate_on_the_heap_inside() {
  co_await take(*std::unique_ptr<Aggregate>(new Aggregate{Owner{}, 2}));
}
Run aggregate_in_default_argument() { co_await take_or_nothing(); }
Run named_around() {
  Aggregate named{Owner{}, co_await Awaitable{2}};
  (void)named;
}
Run named_after() {
  const int quantity = co_await Awaitable{2};
  Aggregate named{Owner{}, quantity};
  (void)named;
}
Run result_named() {
  auto named = co_await MakesOwner{};
  (void)named;
}
Run conditional_inside() {
  Owner owner;
  co_await take_owner(Owner::alive > 0 ? owner : Owner{});
}
Run conditional_after() {
  Owner owner;
  auto named = co_await Awaitable{1} ? Owner{} : owner;
  (void)named;
}
Run conditional_of_names() {
  Owner owner;
  Owner other;
  auto named = co_await Awaitable{1} ? other : owner;
  (void)named;
}
Run closure_by_value_inside() {
  Owner owner;
  co_await call([owner] { return int(sizeof(owner)); });
}
Run erased_closure_by_value_inside() {
  Owner owner;
  co_await call_erased([owner] { return int(sizeof(owner)); });
}
Run closure_by_reference_inside() {
  Owner owner;
  co_await call([&] { return int(sizeof(owner)); });
}

}  // namespace

TEST_CASE("an aggregate that owns memory is destroyed twice inside co_await by GCC 12") {
  CHECK((destroyed_too_often(aggregate_inside) > 0) == kTwice);
  CHECK((destroyed_too_often(designated_aggregate_inside) > 0) == kTwice);
#ifdef __cpp_aggregate_paren_init
  CHECK((destroyed_too_often(aggregate_in_parentheses_inside) > 0) == kTwice);
#endif
  CHECK((destroyed_too_often(aggregate_beside) > 0) == kTwice);
  CHECK((destroyed_too_often(aggregate_on_the_heap_inside) > 0) == kTwice);
  CHECK((destroyed_too_often(aggregate_in_default_argument) > 0) == kTwice);
}

TEST_CASE("an aggregate with a name is destroyed twice when its braces await") {
  CHECK((destroyed_too_often(named_around) > 0) == kTwice);
  CHECK(destroyed_too_often(named_after) == 0);
  CHECK(destroyed_too_often(result_named) == 0);
}

TEST_CASE("what a ?: makes inside co_await is destroyed twice, constructor or not") {
  CHECK((destroyed_too_often(conditional_inside) > 0) == kTwice);
  CHECK((destroyed_too_often(conditional_after) > 0) == kTwice);
  CHECK(destroyed_too_often(conditional_of_names) == 0);
}

TEST_CASE("a closure that captures by value is destroyed twice inside co_await by GCC 12") {
  CHECK((destroyed_too_often(closure_by_value_inside) > 0) == kTwice);
  CHECK((destroyed_too_often(erased_closure_by_value_inside) > 0) == kTwice);
}

TEST_CASE("an aggregate made before its co_await, named or moved, is destroyed once") {
  CHECK(destroyed_too_often(aggregate_before) == 0);
  CHECK(destroyed_too_often(aggregate_named) == 0);
  CHECK(destroyed_too_often(aggregate_moved) == 0);
}

TEST_CASE("a type with a constructor, or a closure that captures by reference, is destroyed once") {
  CHECK(destroyed_too_often(constructed_inside) == 0);
  CHECK(destroyed_too_often(closure_by_reference_inside) == 0);
}

TEST_CASE("trivially destructible options and strings survive a co_await whole") {
  int sum = 0;
  [](int& out) -> Run {
    out += co_await take_options({.attempts = 3, .queue = "payments"});
    out += co_await take_string(std::string{"a string too long to be kept inside of its object"});
  }(sum);
  CHECK(sum == 3 + 8 + 49);
}
