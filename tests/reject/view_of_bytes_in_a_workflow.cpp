// SPDX-License-Identifier: MIT
// refused: a view, a pointer or a reference has nothing to point to once it was decoded: take the value
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

struct Keeper {
#ifdef REFUSED
  temporal::Task<int> run(temporal::BytesView bytes) { co_return static_cast<int>(bytes.size()); }
#else
  temporal::Task<int> run(temporal::Bytes bytes) { co_return static_cast<int>(bytes.data.size()); }
#endif
};

void shop(temporal::Module& m) { m.workflow<Keeper>(); }
