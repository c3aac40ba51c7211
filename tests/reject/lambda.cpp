// SPDX-License-Identifier: MIT
// refused: this needs a function or a method, as in m.activity<say_hello>()
#include <temporal/module.hpp>

#ifndef REFUSED
int charge(int cents) { return cents; }
#endif

void shop(temporal::Module& m) {
#ifdef REFUSED
  m.activity<[](int cents) { return cents; }>();
#else
  m.activity<charge>();
#endif
}
