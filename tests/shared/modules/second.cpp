// SPDX-License-Identifier: MIT
#include <temporal/module.hpp>

inline int registered = 100;

int second() { return ++registered; }

// Thrown there, caught here: one identity on both sides.
int declines() { throw temporal::ApplicationError("no", {.type = "Declined"}); }

void fill(temporal::Module& m) {
  m.activity<second>();
  m.activity<declines>();
}
TEMPORAL_EXPORT_MODULE(fill);
