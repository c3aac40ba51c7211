// SPDX-License-Identifier: MIT
// refused: a function in an anonymous namespace, a template or a lambda has no name of its own: give it one
// only: gcc
// Clang 16 tells a template's name without its arguments: nothing shows that it is one.
#include <temporal/module.hpp>

template <class T>
T charge(T cents) {
  return cents;
}

void shop(temporal::Module& m) {
#ifdef REFUSED
  m.activity<charge<int>>();
#else
  m.activity<charge<int>>({.name = "charge"});
#endif
}
