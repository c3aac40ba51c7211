// SPDX-License-Identifier: MIT
#include "shared/objects.hpp"

#include <doctest/doctest.h>

using namespace temporal;

TEST_CASE("an address is found again in a process that has the same object elsewhere") {
  const auto here = loaded_objects();
  REQUIRE(here.size() > 2);
  auto there = here;
  for (auto& object : there) {
    object.base += 0x10000;
    object.begin += 0x10000;
    object.end += 0x10000;
  }
  const auto known = reinterpret_cast<std::uintptr_t>(&loaded_objects);
  CHECK(translated(known + 0x10000, there, here) == known);
  CHECK(translated(known, here, here) == known);
  CHECK_FALSE(translated(1, there, here));
  there.front().build_id = "of another build";
  CHECK_FALSE(translated(there.front().begin, there, here));
}
