// SPDX-License-Identifier: MIT
#include "supervisor/state_signal.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <memory>
#include <vector>

#include "tests/fake_server/recording_log.hpp"
#include "tests/support/sanitizer.hpp"

using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;

namespace {

long resident_mib() {
  long total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE) >> 20;
}

struct World {
  void tell() {
    const auto before = log.lines.size();
    ::raise(SIGUSR1);
    while (log.lines.size() == before) core.run_one();
  }

  boost::asio::io_context core{1};
  RecordingLog log;
  StateSignal signal{core, log, [] { return LogFields{{"activities", 7}}; }};
};

}  // namespace

TEST_CASE("LC12 each SIGUSR1 writes a line with the state") {
  World world;
  for (int i = 0; i < 2; ++i) {
    world.tell();
    CHECK(world.log.lines.back().level == LogLevel::info);
    CHECK(world.log.lines.back().fields["activities"] == 7);
    if (!kSanitizer) CHECK(world.log.lines.back().fields["heap_used_bytes"] > 0);
  }
  CHECK(world.log.lines.size() == 2);
}

TEST_CASE("LC12 SIGUSR1 gives free memory in the middle of the heap back") {
  if (kSanitizer) {
    MESSAGE("skipped: a sanitizer has a heap of its own");
    return;
  }
  World world;
  // Blocks too small to be mapped one by one. The last one stays and keeps the top of the heap where
  // it is.
  std::vector<std::unique_ptr<char[]>> blocks(1'024);
  for (auto& block : blocks) block = std::make_unique<char[]>(64 << 10);
  blocks.front().swap(blocks.back());
  blocks.resize(1);
  const long before = resident_mib();
  world.tell();
  CHECK(before - resident_mib() >= 32);
  CHECK(world.log.lines.back().fields["heap_free_bytes"] >= 32 << 20);
}
