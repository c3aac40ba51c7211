// SPDX-License-Identifier: MIT
#include "shared/ipc/crash_page.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using namespace temporal::ipc;

TEST_CASE("a crash is read as it was written, and not before it was written to its end") {
  const auto page = std::make_unique<CrashPage>();
  CHECK_FALSE(read_crash(*page));
  const CrashWriter writer(*page);
  writer.frames()[0] = 0x1000;
  writer.frames()[1] = 0x2000;
  std::string("std::runtime_error: no").copy(writer.exception().data(), 100);
  CHECK_FALSE(read_crash(*page));
  writer.write(11, true, true, 2);
  const auto crash = read_crash(*page);
  REQUIRE(crash);
  CHECK(crash->signal == 11);
  CHECK(crash->stack_overflow);
  CHECK(crash->stranger);
  CHECK(crash->frames == std::vector<std::uintptr_t>{0x1000, 0x2000});
  CHECK(crash->exception == "std::runtime_error: no");
}

TEST_CASE("a page that says what no page can hold is read as far as it goes") {
  const auto page = std::make_unique<CrashPage>();
  page->frame_count = 1'000'000;
  page->exception.fill('x');
  page->written.store(1);
  const auto crash = read_crash(*page);
  REQUIRE(crash);
  CHECK(crash->frames.size() == kCrashFrames);
  CHECK(crash->exception.size() == kCrashExceptionLimit);
  page->written.store(2);
  CHECK_FALSE(read_crash(*page));
}
