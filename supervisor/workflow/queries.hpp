// SPDX-License-Identifier: MIT
// Questions to a run: those its class answers, and those that every workflow answers: where it waits, and what it offers.
#pragma once

#include "supervisor/workflow/engine_runtime.hpp"
#include "supervisor/workflow/handler_table.hpp"
#include "supervisor/workflow/workflow_run.hpp"
#include "temporal/handlers.hpp"
#include "temporal/trampoline.hpp"

namespace temporal::engine {

/// What a question may look at.
struct Questioned {
  const detail::WorkflowObject& object;
  const HandlerTable& handlers;
  const workflow::Info& info;
  const detail::Trampoline& trampoline;
  EngineRuntime& runtime;
};

/// Throws what the handler throws.
[[nodiscard]] QueryAnswer answer_query(const Query& query, const Questioned& run);

}  // namespace temporal::engine
