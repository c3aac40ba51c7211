// SPDX-License-Identifier: MIT
#include "temporal/names.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using temporal::name_of;
using temporal::type_name_of;

std::string say_hello(std::string name) { return name; }
int no_throw(int x) noexcept { return x; }
void anonymous_login() {}
void call_lambda() {}

namespace shop {

void charge(const std::vector<std::string>&, int) {}
template <class T>
T twice(T x) {
  return x;
}

namespace lambda {
void deploy() {}
}  // namespace lambda

class Cart {
 public:
  void check_out() {}
  [[nodiscard]] int total() const noexcept { return 0; }
  static void audit() {}
  struct Line {};
};

template <class T>
struct Box {
  void open() {}
};

}  // namespace shop

namespace {
void hidden() {}
struct Hidden {
  void method() {}
};
}  // namespace

using temporal::detail::has_name;
using temporal::detail::has_type_name;

TEST_CASE("a function's name is its own, without namespaces or parameters") {
  static_assert(name_of<say_hello>() == "say_hello");
  static_assert(name_of<&say_hello>() == "say_hello");
  static_assert(name_of<no_throw>() == "no_throw");
  static_assert(name_of<shop::charge>() == "charge");
  CHECK(name_of<shop::charge>() == "charge");
}

TEST_CASE("a method's name is the method's, a class's the class's") {
  static_assert(name_of<&shop::Cart::check_out>() == "check_out");
  static_assert(name_of<&shop::Cart::total>() == "total");
  static_assert(name_of<shop::Cart::audit>() == "audit");
  static_assert(type_name_of<shop::Cart>() == "Cart");
  static_assert(type_name_of<shop::Cart::Line>() == "Line");
  struct Local {};
  CHECK(type_name_of<Local>() == "Local");
}

TEST_CASE("a name that only speaks of the anonymous or of lambdas is a name like any other") {
  static_assert(name_of<anonymous_login>() == "anonymous_login");
  static_assert(name_of<call_lambda>() == "call_lambda");
  static_assert(name_of<shop::lambda::deploy>() == "deploy");
}

TEST_CASE("anonymous namespaces, templates and lambdas have no name") {
  static_assert(!has_name<hidden>);
  static_assert(!has_name<&Hidden::method>);
#if !defined(__clang__)  // which tells it without its arguments
  static_assert(!has_name<shop::twice<int>>);
#endif
  static_assert(!has_name<&shop::Box<int>::open>);
  static_assert(!has_type_name<Hidden>);
  static_assert(!has_type_name<shop::Box<int>>);
  using Lambda = decltype([] {});
  static_assert(!has_type_name<Lambda>);
  CHECK(true);
}
