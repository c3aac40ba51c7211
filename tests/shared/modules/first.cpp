// SPDX-License-Identifier: MIT
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

// One per module, although both modules have one of this name.
inline int registered = 0;

int first() { return ++registered; }

struct First {
  temporal::Task<int> run() { co_return 1; }
};

void fill(temporal::Module& m) {
  m.activity<first>();
  m.workflow<First>();
}
TEMPORAL_EXPORT_MODULE(fill);
