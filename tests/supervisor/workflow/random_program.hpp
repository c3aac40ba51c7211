// SPDX-License-Identifier: MIT
// Random workflow programs: trees of what workflow code may do, and the workflow that walks them. Wherever it is
// resumed it notes what it was told, when, and what it draws at random: its trace.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temporal/sync.hpp"
#include "temporal/workflow.hpp"
#include "tests/supervisor/workflow/engine_test_support.hpp"
#include "tests/support/dice.hpp"

namespace random_program {

using namespace std::chrono_literals;
using namespace temporal;
namespace workflow = temporal::workflow;

// A Nexus operation belongs among the leaves.
enum class Kind {
  // leaves
  activity,
  timer,
  turn,
  local,
  effect,
  wait,
  wait_in_time,
  child,
  held_child,
  signal_other,
  cancel_other,
  upsert_memo,
  upsert_attribute,
  deprecate,
  draw,
  // with one part or two
  sequence,
  beside,  ///< an activity, timer or child beside the part, then awaited or cancelled
  all,
  any,
  scope,  ///< the first part is cancelled when the second is done
  shield,
  in_time,
  patch,
  branch,
  guarded,
  kinds,
  first_composite = sequence,
};

struct Op {
  Kind kind{};
  int number = 0;  ///< which of several ways
  std::vector<Op> parts;
};

/// `size`: about how many leaves.
inline Op random_op(testing::Dice& dice, int size) {
  constexpr auto kComposite = int(Kind::first_composite);
  Op op;
  op.number = dice.between(0, 11);
  op.kind = size <= 1 ? Kind(dice.between(0, kComposite - 1))
                      : Kind(dice.between(kComposite, int(Kind::kinds) - 1));
  if (size <= 1) return op;
  const int left = dice.between(1, size - 1);
  op.parts.push_back(random_op(dice, left));
  op.parts.push_back(random_op(dice, size - left));
  return op;
}

/// What workflow() and its handlers perform; made from a seed, so that any process can make it again.
struct Program {
  Op main, on_signal, on_update;
  int ending = 0;
  explicit Program(std::uint64_t seed) {
    testing::Dice dice(seed);
    main = random_op(dice, dice.between(2, 16));
    on_signal = random_op(dice, dice.between(1, 3));
    on_update = random_op(dice, dice.between(1, 3));
    ending = dice.between(0, 5);
  }
};

constexpr OnCancel kOnCancel[] = {OnCancel::try_cancel, OnCancel::wait_completed,
                                  OnCancel::abandon};
constexpr OnChildCancel kOnChildCancel[] = {OnChildCancel::wait_completed,
                                            OnChildCancel::wait_requested,
                                            OnChildCancel::try_cancel, OnChildCancel::abandon};

class Walker {
 public:
  explicit Walker(std::uint64_t seed) : program_(seed) {}

  Task<int> run(std::uint64_t) {
    say("run");
    co_await perform(program_.main);
    if (program_.ending == 0) {
      say("waits for its handlers");
      co_await workflow::wait_condition([] { return workflow::all_handlers_finished(); });
    }
    say("over");
    if (program_.ending == 1) throw ApplicationError("the program fails");
    if (program_.ending == 2) workflow::continue_as_new("Walker", {}, 1);
    co_return pokes_;
  }
  Task<> poke(int n) {
    say("poked " + std::to_string(n));
    ++pokes_;
    if (n % 3 == 0) co_await perform(program_.on_signal);
    say("poked through " + std::to_string(n));
  }
  Task<int> ask(int n) {
    say("asked " + std::to_string(n) + " by " + workflow::current_update()->id);
    if (n % 3 == 0) co_await perform(program_.on_update);
    say("answered " + std::to_string(n));
    co_return n + pokes_;
  }
  void check_ask(int n) const {
    if (n < 0) throw ApplicationError("no");
  }

 private:
  static void say(const std::string& what) {
    const auto seconds = workflow::now().time_since_epoch() / 1s % 100'000;
    testing::note(what + " @" + std::to_string(seconds) + " of " +
                  std::to_string(workflow::info().history_length));
  }
  // A cancellation, or another failure, sometimes ends more than what it hit.
  static void caught(const Op& op, const Failure& failure) {
    say(std::string("caught ") + failure.what());
    if (op.number == 7) throw;
  }

  Task<> perform(const Op& op) {
    if (op.kind < Kind::first_composite) {
      try {
        co_await leaf(op);
      } catch (const Failure& failure) {
        caught(op, failure);
      }
    } else {
      try {
        co_await composite(op);
      } catch (const Failure& failure) {
        caught(op, failure);
      }
    }
  }

  workflow::Future<int> activity(const Op& op) {
    const std::string type = "act" + std::to_string(op.number % 4);
    return workflow::execute_activity<int>(
        type, {.start_to_close_timeout = 10s, .on_cancel = kOnCancel[op.number % 3]}, op.number);
  }
  workflow::Future<int> child(const Op& op) {
    return workflow::execute_child<int>("Kid", {.on_cancel = kOnChildCancel[op.number % 4]});
  }

  Task<> leaf(const Op& op) {
    switch (op.kind) {
      case Kind::activity: {
        auto running = activity(op);
        const int got = co_await running;
        say("activity " + std::to_string(got));
        break;
      }
      case Kind::timer:
        co_await workflow::sleep(std::chrono::seconds(1 + op.number));
        say("timer");
        break;
      case Kind::turn:
        co_await workflow::sleep(0s);
        say("turn");
        break;
      case Kind::local: {
        const std::string type = "local" + std::to_string(op.number % 4);
        auto running = workflow::execute_local_activity<int>(
            type, {.start_to_close_timeout = 10s, .on_cancel = kOnCancel[op.number % 3]},
            op.number);
        if (op.number == 11) running.cancel();
        const int got = co_await running;
        say("local activity " + std::to_string(got));
        break;
      }
      case Kind::effect: {
        auto effect = workflow::side_effect([&op] { return op.number; });
        const int got = co_await effect;
        say("side effect " + std::to_string(got));
        break;
      }
      case Kind::wait:
        if (op.number > 3) break;  // what nobody may ever do is waited for seldom
        co_await workflow::wait_condition([this, n = 1 + op.number] { return pokes_ >= n; });
        say("poked enough");
        break;
      case Kind::wait_in_time: {
        auto waiting =
            workflow::wait_condition([this, n = 1 + op.number % 4] { return pokes_ >= n; }, 5s);
        const bool held = co_await waiting;
        say(held ? "in time" : "too late");
        break;
      }
      case Kind::child: {
        auto running = child(op);
        const int got = co_await running;
        say("child " + std::to_string(got));
        break;
      }
      case Kind::held_child:
        co_await hold_child(op);
        break;
      case Kind::signal_other: {
        auto sent = workflow::external("other").signal("hello", op.number);
        if (op.number % 5 == 0) sent.cancel();
        co_await sent;
        say("told another");
        break;
      }
      case Kind::cancel_other: {
        auto asked = workflow::external("other").cancel("because");
        co_await asked;
        say("asked another to stop");
        break;
      }
      case Kind::upsert_memo:
        workflow::upsert_memo("note", op.number);
        say("memo of " + std::to_string(workflow::memo().fields().size()));
        break;
      case Kind::upsert_attribute: {
        static constexpr IntKey kKey{"Number"};
        workflow::upsert_search_attributes(kKey.set(op.number));
        break;
      }
      case Kind::deprecate:
        workflow::deprecate_patch("p" + std::to_string(op.number % 3));
        break;
      default:
        say("drew " + workflow::uuid4() + " " + std::to_string(workflow::random("own")() % 1000));
    }
  }

  Task<> hold_child(const Op& op) {
    auto starting = workflow::start_child<int>("Kid", {.on_cancel = kOnChildCancel[op.number % 4]});
    auto kid = co_await starting;
    say("child of " + kid.run_id());
    if (op.number % 3 == 0) {
      auto sent = kid.signal("hello", op.number);
      co_await sent;
      say("told the child");
    }
    if (op.number % 3 == 1) kid.cancel("enough");
    auto result = kid.result();
    const int got = co_await result;
    say("held child " + std::to_string(got));
  }

  Task<> composite(const Op& op) {
    const auto& first = op.parts[0];
    const auto& second = op.parts[1];
    switch (op.kind) {
      case Kind::beside: {
        auto other = op.number % 2 ? activity(op) : child(op);
        co_await perform(first);
        if (op.number % 3 == 0) other.cancel();
        co_await perform(second);
        const int got = co_await other;
        say("beside it " + std::to_string(got));
        break;
      }
      case Kind::all: {
        std::vector<workflow::Future<>> both;
        both.push_back(workflow::spawn(perform(first)));
        both.push_back(workflow::spawn(perform(second)));
        co_await workflow::all(both);
        say("both");
        break;
      }
      case Kind::any: {
        std::vector<workflow::Future<>> both;
        both.push_back(workflow::spawn(perform(first)));
        both.push_back(workflow::spawn(perform(second)));
        const auto done = co_await workflow::any(both);
        say("first was " + std::to_string(done.index));
        break;
      }
      case Kind::scope: {
        workflow::CancelScope scope;
        auto inner = workflow::spawn(perform(first));
        co_await perform(second);
        scope.cancel();
        co_await inner;
        say("out of the scope");
        break;
      }
      case Kind::shield:
        co_await workflow::shield(perform(first));
        co_await perform(second);
        break;
      case Kind::in_time:
        co_await workflow::with_timeout(10s, perform(first));
        say("done in time");
        co_await perform(second);
        break;
      case Kind::patch: {
        const bool patched = workflow::patched("p" + std::to_string(op.number % 3));
        co_await perform(patched ? first : second);
        break;
      }
      case Kind::branch: {
        const bool heads = workflow::random().between(0, 1) == 1;
        say(heads ? "heads" : "tails");
        co_await perform(heads ? first : second);
        break;
      }
      case Kind::guarded: {
        {
          auto lock = co_await mutex_.lock();
          say("locked");
          co_await perform(first);
        }
        co_await perform(second);
        break;
      }
      default:
        co_await perform(first);
        co_await perform(second);
    }
  }

  const Program program_;
  workflow::Mutex mutex_;
  int pokes_ = 0;
};

}  // namespace random_program
