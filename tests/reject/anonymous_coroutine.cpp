// SPDX-License-Identifier: MIT
// refused: a function in an anonymous namespace, a template or a lambda has no name of its own: give it one
#include <temporal/module.hpp>

namespace {
boost::asio::awaitable<int> charge(int cents) { co_return cents; }
}  // namespace

void shop(temporal::Module& m) {
#ifdef REFUSED
  m.activity<charge>();
#else
  m.activity<charge>({.name = "charge"});
#endif
}
