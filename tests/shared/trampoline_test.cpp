// SPDX-License-Identifier: MIT
// Tasks and futures on a bare trampoline: no engine, no history.
#include "temporal/trampoline.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "temporal/future.hpp"
#include "temporal/task.hpp"
#include "temporal/workflow.hpp"

using temporal::Task;
using temporal::detail::Trampoline;
using temporal::workflow::Future;
using temporal::workflow::detail::FutureState;
using temporal::workflow::detail::take_nothing;

namespace {

// The trampoline is this thread's for as long as it lives.
class Loop {
 public:
  Loop() { temporal::detail::set_current_trampoline(&trampoline); }
  ~Loop() { temporal::detail::set_current_trampoline(nullptr); }
  template <class T>
  void start(Task<T>& task) {
    trampoline.next(task.promise());
    trampoline.run();
  }
  Trampoline trampoline;
};

Task<int> number(int n) { co_return n; }

Task<int> sum(int count) {
  int total = 0;
  for (int i = 0; i < count; ++i) total += co_await number(1);
  co_return total;
}

Task<int> nested(int depth) {
  if (depth == 0) co_return 1;
  co_return 1 + co_await nested(depth - 1);
}

Task<> fails() {
  throw std::runtime_error("no");
  co_return;
}

struct Note {
  std::vector<std::string>& to;
  std::string text;
  Note(std::vector<std::string>& list, std::string what) : to(list), text(std::move(what)) {}
  Note(const Note&) = delete;
  Note& operator=(const Note&) = delete;
  ~Note() { to.push_back(text); }
};

Task<> sleeper(std::vector<std::string>& ended, int depth, Future<> until) {
  Note note(ended, std::to_string(depth));
  if (depth == 0) {
    co_await until;
  } else {
    co_await sleeper(ended, depth - 1, until);
  }
}

}  // namespace

TEST_CASE("the stack is as deep for a hundred thousand awaits as for one") {
  Loop loop;
  auto in_a_row = sum(100'000);
  loop.start(in_a_row);
  CHECK(in_a_row.promise().take() == 100'000);
  auto in_each_other = nested(100'000);
  loop.start(in_each_other);
  CHECK(in_each_other.promise().take() == 100'001);
}

TEST_CASE("a hundred thousand frames that wait in each other are destroyed, none is resumed") {
  Loop loop;
  auto never = std::make_shared<FutureState>(loop.trampoline);
  std::vector<std::string> ended;
  auto task = sleeper(ended, 100'000, {never, &take_nothing});
  loop.start(task);
  CHECK(loop.trampoline.frames() == 100'001);
  CHECK(ended.empty());
  loop.trampoline.destroy_all();
  CHECK(loop.trampoline.frames() == 0);
  REQUIRE(ended.size() == 100'001);
  CHECK(ended.front() == "0");  // the innermost first
  CHECK(ended.back() == "100000");
}

TEST_CASE("an exception comes out where the task is awaited") {
  Loop loop;
  std::string seen;
  auto outer = [](std::string& said) -> Task<> {
    try {
      co_await fails();
    } catch (const std::runtime_error& error) {
      said = error.what();
    }
  };
  auto task = outer(seen);
  loop.start(task);
  CHECK(seen == "no");
}

TEST_CASE("a task that was never awaited never ran, and leaves nothing") {
  Loop loop;
  std::vector<std::string> ended;
  auto never = std::make_shared<FutureState>(loop.trampoline);
  { auto task = sleeper(ended, 0, {never, &take_nothing}); }
  CHECK(ended.empty());
  CHECK(loop.trampoline.frames() == 0);
}

TEST_CASE("those who wait for one future go on in the order in which they came") {
  Loop loop;
  auto state = std::make_shared<FutureState>(loop.trampoline);
  std::string order;
  auto wait = [](Future<> until, std::string& text, char name) -> Task<> {
    co_await until;
    text += name;
    co_await until;  // it is over: no wait
    text += name;
  };
  Future<> future(state, &take_nothing);
  auto a = wait(future, order, 'a');
  auto b = wait(future, order, 'b');
  loop.start(a);
  loop.start(b);
  CHECK(order.empty());
  CHECK_FALSE(future.ready());
  state->succeed();
  CHECK(order.empty());  // resolving runs nobody's code
  loop.trampoline.run();
  CHECK(order == "aabb");
}

TEST_CASE("a future ends once, with what came first") {
  Loop loop;
  FutureState state(loop.trampoline);
  int called = 0;
  state.on_done([&] { ++called; });
  state.fail(std::make_exception_ptr(std::runtime_error("first")));
  state.succeed();
  state.fail(std::make_exception_ptr(std::logic_error("later")));
  CHECK(called == 1);
  CHECK_THROWS_AS(state.rethrow(), std::runtime_error);
  state.on_done([&] { ++called; });
  CHECK(called == 2);
}

TEST_CASE("cancelling asks whoever runs it, and an end forgets whom to ask") {
  Loop loop;
  auto state = std::make_shared<FutureState>(loop.trampoline);
  auto held = std::make_shared<int>(0);
  state->set_on_cancel([state, held] {
    ++*held;
    state->succeed();
  });
  CHECK(held.use_count() == 2);
  state->cancel();
  CHECK(*held == 1);
  CHECK(held.use_count() == 1);  // and so the cycle through itself is gone
  state->cancel();
  CHECK(*held == 1);
}

TEST_CASE("a result that only moves comes out of its task") {
  Loop loop;
  auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
  auto task = make();
  loop.start(task);
  CHECK(*task.promise().take() == 7);
}

TEST_CASE("random numbers are the same in every version, or runs under way would change course") {
  temporal::workflow::Random random(42);
  CHECK(random() == 1546998764402558742u);
  CHECK(random() == 6990951692964543102u);
  temporal::workflow::Random again(42);
  CHECK(again() == 1546998764402558742u);
  for (int i = 0; i < 1000; ++i) {
    const auto x = again.uniform();
    CHECK(x >= 0);
    CHECK(x < 1);
  }
}

TEST_CASE("a number between two bounds is within them, whatever they are") {
  temporal::workflow::Random random(7);
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  std::array<int, 3> seen{};
  for (int i = 0; i < 3000; ++i) ++seen.at(static_cast<std::size_t>(random.between(-1, 1) + 1));
  for (int count : seen) CHECK(count > 800);
  CHECK(random.between(5, 5) == 5);
  CHECK(random.between(kMost, kMost) == kMost);
  for (int i = 0; i < 100; ++i) {
    (void)random.between(kLeast, kMost);
    CHECK(random.between(kLeast, 0) <= 0);
    CHECK(random.between(0, kMost) >= 0);
  }
}
