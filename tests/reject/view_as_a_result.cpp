// SPDX-License-Identifier: MIT
// refused: a view points to nothing once who made it has returned: give the bytes themselves
#include <optional>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

#ifdef REFUSED
using Half = std::optional<temporal::BytesView>;
#else
using Half = std::optional<temporal::Bytes>;
#endif

struct Keeper {
  temporal::Task<Half> run() { co_return Half(); }
};

void shop(temporal::Module& m) { m.workflow<Keeper>(); }
