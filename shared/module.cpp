// SPDX-License-Identifier: MIT
#include "temporal/module.hpp"

#include <stdexcept>

namespace temporal {

Module::Module() = default;
Module::~Module() = default;

namespace {

void check_name(std::string_view kind, const std::string& name, bool taken) {
  if (name.empty())
    throw std::invalid_argument(std::string(kind) +
                                " was registered without a name and has none of its own");
  if (name.starts_with("__temporal_") || name == "__stack_trace" ||
      name == "__enhanced_stack_trace")
    throw std::invalid_argument(std::string(kind) + " '" + name +
                                "': this name is one of Temporal's own, choose another");
  if (taken)
    throw std::invalid_argument(std::string(kind) + " '" + name +
                                "' is registered twice: give one of them another name");
}

}  // namespace

void detail::add_signal(WorkflowDefinition& definition, std::string name, SignalHandler handler) {
  check_name("signal", name, definition.signals.contains(name));
  definition.signals.emplace(std::move(name), std::move(handler));
}

void Module::add(detail::ActivityDefinition definition) {
  check_name("activity", definition.name, activities_.contains(definition.name));
  auto name = definition.name;
  activities_.emplace(std::move(name), std::move(definition));
}

detail::WorkflowDefinition& Module::add(detail::WorkflowDefinition definition) {
  check_name("workflow", definition.name, workflows_.contains(definition.name));
  auto name = definition.name;
  return workflows_.emplace(std::move(name), std::move(definition)).first->second;
}

}  // namespace temporal
