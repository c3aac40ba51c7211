// SPDX-License-Identifier: MIT
#include "shared/child_needs.hpp"

#include <doctest/doctest.h>

#include <boost/asio/awaitable.hpp>

using namespace temporal;

namespace {

ChildNeeds in_children(const Module& module) { return needs_of(module, Executor::child, true); }
std::string lacking_in(const Module& module, const ChildNeeds& needs) {
  return lacking(needs, module, Executor::child);
}

}  // namespace

void pay() {}
void ship() {}
boost::asio::awaitable<void> watch() { co_return; }
std::string anything(std::string, Payloads) { return {}; }

TEST_CASE("a module offers what it needs, and so does one with more") {
  Module small, large;
  small.activity<pay>();
  large.activity<pay>();
  large.activity<ship>();
  CHECK(lacking_in(small, in_children(small)).empty());
  CHECK(lacking_in(large, in_children(small)).empty());
  CHECK(lacking_in(small, in_children(large)) == "activity 'ship'");
}

TEST_CASE(
    "what runs in the worker is not asked of children, and does not count as offered by them") {
  Module before, after;
  before.activity<pay>();
  before.activity<ship>({.executor = Executor::threads});
  before.activity<watch>();
  CHECK(in_children(before).activities == std::vector<std::string>{"pay"});
  after.activity<pay>({.executor = Executor::threads});
  after.activity<watch>({.name = "ship"});
  CHECK(lacking_in(after, in_children(before)) == "activity 'pay'");
  CHECK(needs_of(before, Executor::threads, true).activities.empty());
}

TEST_CASE("a catch-all is asked for as such, and offers every type") {
  Module before, after;
  before.dynamic_activity<anything>();
  after.activity<pay>();
  CHECK(lacking_in(after, in_children(before)) == "the catch-all activity");
  CHECK(lacking_in(before, in_children(after)).empty());
}

TEST_CASE("functions that coroutines hand over are asked for where they may") {
  Module with, without;
  with.add(detail::OffloadedFunction{"decode", nullptr});
  CHECK(lacking_in(without, in_children(with)) == "function 'decode'");
  CHECK(lacking_in(with, in_children(with)).empty());
  CHECK(needs_of(with, Executor::child, false).functions.empty());
}
