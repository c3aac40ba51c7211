// SPDX-License-Identifier: MIT
// Activities that block in functions which no other object can see. Each announces itself by a byte
// into one pipe and blocks on another.
#include <unistd.h>

#include <temporal/activity.hpp>
#include <temporal/module.hpp>

namespace asio = boost::asio;

static volatile int after_read = 0;

[[gnu::noinline]] static void hidden_wait(int announce, int release) {
  char byte = 'b';
  if (::write(announce, &byte, 1) == 1 && ::read(release, &byte, 1) == 1) after_read = 1;
}

// Inlined into what calls it, it would have no name without debug information.
[[gnu::noinline]] int waits(int announce, int release) {
  hidden_wait(announce, release);
  return after_read;
}

static asio::awaitable<int> innermost(int announce, int release) {
  hidden_wait(announce, release);
  co_return after_read;
}

static asio::awaitable<int> in_between(int announce, int release) {
  co_return co_await innermost(announce, release);
}

asio::awaitable<int> awaits(int announce, int release) {
  co_return co_await in_between(announce, release);
}

void blocks(temporal::Module& m) {
  m.activity<waits>();
  m.activity<awaits>();
}
TEMPORAL_EXPORT_MODULE(blocks);
