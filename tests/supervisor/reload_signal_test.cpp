// SPDX-License-Identifier: MIT
#include "supervisor/reload_signal.hpp"

#include <doctest/doctest.h>

#include <csignal>

using namespace temporal::supervisor;

TEST_CASE("LC12 each SIGHUP asks for a reload, and ends nothing") {
  boost::asio::io_context core{1};
  int asked = 0;
  const ReloadSignal signal(core, [&] { ++asked; });
  for (int i = 1; i <= 2; ++i) {
    ::raise(SIGHUP);
    while (asked < i) core.run_one();
  }
  CHECK(asked == 2);
}
