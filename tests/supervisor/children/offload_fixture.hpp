// SPDX-License-Identifier: MIT
// A pool with two shares, and tasks that hold its children for as long as a test likes.
#pragma once

#include <doctest/doctest.h>

#include <list>
#include <string>

#include "tests/supervisor/children/pool_fixture.hpp"

namespace temporal::supervisor::children::test {

inline PoolOptions two_shares(int children, int offload_children) {
  auto both = options(children);
  both.offload_children = offload_children;
  return both;
}

/// Tasks that run until they are released.
struct Tasks {
  Tasks(PoolFixture& fixture, Share share, int count) {
    for (int i = 0; i < count; ++i)
      all.emplace_back(fixture.io, share).start(fixture, "beat_and_wait", i);
  }
  asio::awaitable<void> until_beaten() {
    for (auto& one : all) co_await one.until_beaten();
  }
  asio::awaitable<void> release() {
    for (auto& one : all) one.handle.cancel(CancelReason::requested);
    for (auto& one : all) {
      co_await one.until_ended();
      CHECK(result<std::string>(*one.outcome) == "requested");
    }
  }
  std::list<Running> all;
};

}  // namespace temporal::supervisor::children::test
