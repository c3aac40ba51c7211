// SPDX-License-Identifier: MIT
// A child, and in words how it ended.
#pragma once

#include <string>
#include <type_traits>

#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace child_test {

using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

struct Resize {
  Task<std::string> run(std::string, int) { co_return ""; }
  void faster(int) {}
};

inline std::string outcome_of(const ChildWorkflowError& error) {
  const auto& where = error.where();
  std::string text = where.workflow_type + "/" + where.workflow_id + " ";
  if (!where.run_id.empty()) text += "(" + where.run_id + ") ";
  const auto* cause = error.cause().get();
  if (dynamic_cast<const ChildWorkflowAlreadyStartedError*>(&error))
    return text + "already started";
  if (is_cancelled(error)) return text + "cancelled";
  if (dynamic_cast<const TimeoutError*>(cause)) return text + "timed out";
  if (dynamic_cast<const TerminatedError*>(cause)) return text + "terminated";
  if (auto* application = dynamic_cast<const ApplicationError*>(cause))
    return text + application->type() + ": " + application->message();
  return text + (cause ? cause->message() : "?");
}

template <class T>
Task<> watch(workflow::Future<T> future, std::string what) {
  try {
    if constexpr (std::is_same_v<T, std::string>) {
      note(what + " " + co_await future);
    } else {
      auto child = co_await future;
      note(what + " " + child.id() + " " + child.run_id());
    }
  } catch (const ChildWorkflowError& error) {
    note(what + ": " + outcome_of(error));
  }
}

}  // namespace child_test
