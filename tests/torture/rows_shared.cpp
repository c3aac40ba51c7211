// SPDX-License-Identifier: MIT
// Tasks that share a process: what one does to it it does to all, and only that one is told that it was to blame.
#include <doctest/doctest.h>

#include <array>
#include <csignal>
#include <deque>

#include "tests/torture/invariants.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

namespace {

constexpr int kPlaces = 4;

struct End {
  std::string_view activity, argument;
  std::optional<KillReason> kill;  // from here, once it has begun
  std::string_view type, reason;
};

constexpr std::array<End, 5> kEnds{{
    {"loop_deaf", "ignored", KillReason::timed_out, "ActivityProcessKilled", "timed_out"},
    {"loop_deaf", "ignored", KillReason::by_operator, "ActivityProcessKilled", "operator"},
    {"crash", "", {}, "ActivityProcessCrashed", "crashed"},
    {"recurse_for_ever", "", {}, "ActivityProcessCrashed", "crashed"},
    {"exit_by", "exit", {}, "ActivityProcessExited", "exited"},
}};

}  // namespace

TEST_CASE(
    "row 58: of four tasks in a process one ends it: that one has its reason, the others are "
    "bystanders") {
  auto options = torture_options(2 * kPlaces - 1);
  options.child.places = kPlaces;
  options.child.term_grace = 10ms;
  Invariants row(options, {.bystander = false});
  row.hold([&]() -> asio::awaitable<void> {
    const int rounds = times(4, 100);
    int bystanders = 0;
    for (int round = 0; round < rounds; ++round)
      for (const auto& end : kEnds) {
        // Seven begin, and find their places in both processes.
        std::deque<Running> others;
        for (int i = 0; i < 2 * kPlaces - 1; ++i) {
          others.emplace_back(row.io()).start(row.fixture(), "beat_and_wait", i);
          co_await others.back().until_beaten();
        }
        Running culprit(row.io());
        if (end.argument.empty())
          culprit.start(row.fixture(), std::string(end.activity));
        else
          culprit.start(row.fixture(), std::string(end.activity), std::string(end.argument));
        if (end.kill) {
          co_await culprit.until_beaten();
          culprit.handle.terminate(*end.kill);
        }
        co_await culprit.until_ended();
        row.expect(end.reason);
        CHECK(type_of(*culprit.outcome) == end.type);
        int beside = 0;
        for (auto& one : others) {
          if (one.handle.pid() != culprit.handle.pid()) {
            CHECK_FALSE(one.outcome);
            one.handle.cancel(CancelReason::requested);
            co_await one.until_ended();
            CHECK(result<std::string>(*one.outcome) == "requested");
            continue;
          }
          co_await one.until_ended();
          ++beside;
          CHECK(type_of(*one.outcome) == "ActivityBystander");
          CHECK_FALSE(failure(*one.outcome).application_failure_info().non_retryable());
          CHECK_MESSAGE(one.take(), "its last heartbeat goes with the failure");
        }
        CHECK(beside == kPlaces - 1);
        bystanders += beside;
        co_await until_full(row.fixture(), row.children());
      }
    row.count(std::to_string(rounds * static_cast<int>(kEnds.size())) + " culprits, " +
              std::to_string(bystanders) + " bystanders");
  });
}
