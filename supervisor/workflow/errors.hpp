// SPDX-License-Identifier: MIT
// What can be wrong with a workflow task, by whose fault it is.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "temporal/errors.hpp"

namespace temporal::engine {

/// The workflow's fault: its code and its history do not pair.
class Nondeterminism : public NondeterminismError {
 public:
  Nondeterminism(std::int64_t event_id, const std::string& what)
      : NondeterminismError(what), event_id_(event_id) {}
  [[nodiscard]] std::int64_t event_id() const noexcept { return event_id_; }

 private:
  std::int64_t event_id_;
};

/// Code that must only look asked for something to happen.
class ReadOnlyViolation : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Ours, or the server's: a history that makes no sense, or that needs what this engine does not
/// have.
class EngineError : public std::runtime_error {
 public:
  EngineError(std::int64_t event_id, const std::string& what)
      : std::runtime_error(what), event_id_(event_id) {}
  [[nodiscard]] std::int64_t event_id() const noexcept { return event_id_; }

 private:
  std::int64_t event_id_;
};

}  // namespace temporal::engine
