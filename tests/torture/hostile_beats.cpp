// SPDX-License-Identifier: MIT
// Heartbeats as fast as they go, as large as they may be, and right before the end.
#include <signal.h>

#include <fstream>
#include <string>

#include "tests/torture/hostile.hpp"

namespace hostile {

// The last one is its last word.
void beat_and_die(activity::Context& ctx, int first, int beats) {
  for (int i = 0; i < beats; ++i) ctx.heartbeat(first + i);
  ::kill(::getpid(), SIGKILL);
  hang();
}

// Details of one letter, as long as they may be: a mixture of two would show.
void beat_large(activity::Context& ctx) {
  for (int i = 0;; ++i) ctx.heartbeat(std::string(60'000, static_cast<char>('a' + i % 26)));
}

// Lines for ring B, a heartbeat with each; then opens the FIFO and answers with as much as fits into a record.
std::string fill_ring_b(activity::Context& ctx, int lines, std::string fifo) {
  for (int i = 0; i < lines; ++i) {
    ctx.log().info(std::string(1000, 'l'));
    ctx.heartbeat(i);
  }
  const std::ofstream filled(fifo);
  return std::string(30'000, 'a');
}

void register_beats(temporal::Module& m) {
  m.activity<beat_and_die>();
  m.activity<beat_large>();
  m.activity<fill_ring_b>();
}

}  // namespace hostile
