// SPDX-License-Identifier: MIT
#include "supervisor/rpc/outages.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace temporal::supervisor {

using namespace std::chrono_literals;

namespace {

struct Lines final : Logger {
  void write(LogLevel level, std::string_view message, const LogFields& fields) override {
    if (level == LogLevel::debug) return;
    all.push_back((level == LogLevel::warn ? "warn: " : "info: ") + std::string(message));
    last = fields;
  }
  std::vector<std::string> all;
  LogFields last;
};

struct Story {
  void fail(const std::string& method, std::chrono::milliseconds at) {
    outages.failed(method, {RpcCode::unavailable, "connection refused", {}}, 200ms, start + at);
  }
  void answer(const std::string& method, std::chrono::milliseconds at) {
    outages.answered(method, start + at);
  }
  Lines lines;
  Outages outages{&lines};
  Outages::Time start{1h};
};

constexpr const char* kWarning = "warn: calls to the server fail, they are tried again";

}  // namespace

TEST_CASE("LC6 a call that fails and then succeeds is normal, and is not told of") {
  Story story;
  for (auto at = 0s; at < 3600s; at += 300s) {
    story.fail("Poll", at);
    story.fail("Poll", at + 400ms);
    story.answer("Poll", at + 800ms);
  }
  CHECK(story.lines.all.empty());
}

TEST_CASE("LC6 an outage is one warning, then a line a minute, then its end") {
  Story story;
  for (auto at = 0ms; at <= 125s; at += 500ms) {
    story.fail("PollWorkflow", at);
    story.fail("PollActivity", at);
  }
  CHECK(story.lines.all == std::vector<std::string>{kWarning, kWarning, kWarning});
  CHECK(story.lines.last["error"] == "connection refused");
  CHECK(story.lines.last["failing_ms"] == 121'000);
  story.answer("PollWorkflow", 126s);
  CHECK(story.lines.all.size() == 3);
  story.answer("PollActivity", 127s);
  CHECK(story.lines.all.back() == "info: the server answers again");
  CHECK(story.lines.last["away_ms"] == 127'000);
}

TEST_CASE("LC6 the next outage is told of at once, a call that nobody repeats is none") {
  Story story;
  story.fail("Poll", 0s);
  story.fail("Poll", 2s);
  story.answer("Poll", 3s);
  story.fail("Respond", 4s);
  story.outages.gave_up("Respond");
  story.fail("Respond", 9s);
  CHECK(story.lines.all.size() == 2);
  story.fail("Respond", 10s);
  CHECK(story.lines.all.back() == kWarning);
}

}  // namespace temporal::supervisor
