// SPDX-License-Identifier: MIT
// What a run may know of itself, and its random bits.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "temporal/export.hpp"
#include "temporal/memo.hpp"
#include "temporal/options.hpp"
#include "temporal/search_attributes.hpp"
#include "temporal/workflow_interceptor.hpp"

namespace temporal::workflow {

/// Why the server would like a run to continue as new. Numbers are those of
/// temporal.api.enums.v1.SuggestContinueAsNewReason; newer servers may have more.
enum class ContinueReason { unspecified, history_too_large, too_many_events, too_many_updates };

/// What is known of this run. Memo and search attributes change with what the run itself upserts,
/// those from history_length on from task to task, never inside one.
struct Info {
  std::string workflow_id;
  std::string run_id;
  std::string first_run_id;
  std::string original_run_id;  ///< differs from run_id after a reset
  std::string workflow_type;
  std::string workflow_namespace;
  std::string task_queue;
  std::string identity_of_starter;
  int attempt = 1;
  std::string cron_schedule;
  std::string continued_run_id;
  Time start_time{};
  Duration execution_timeout{};
  Duration run_timeout{};
  Duration task_timeout{};
  Headers headers;
  Memo memo;
  SearchAttributes search_attributes;
  std::int64_t history_length = 0;  ///< events
  std::int64_t history_size = 0;    ///< bytes, as the server counts them
  bool continue_as_new_suggested = false;
  std::vector<ContinueReason> continue_as_new_reasons;  ///< none where the server tells none
  /// The next run may start on another version of the worker deployment than this one is on.
  bool target_version_changed = false;
  /// Of the worker that did, or does, this task; empty where it has none.
  std::string deployment_name;
  std::string build_id;
};

/// Deterministic bits: xoshiro256** seeded by the run. A UniformRandomBitGenerator, but do not feed
/// it to the std:: distributions: their output differs between standard libraries.
class TEMPORAL_API Random {
 public:
  using result_type = std::uint64_t;
  explicit Random(std::uint64_t seed) noexcept;
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }
  result_type operator()() noexcept;
  /// Uniform in [0, 1).
  double uniform() noexcept;
  /// Uniform in [low, high], both included.
  std::int64_t between(std::int64_t low, std::int64_t high) noexcept;

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace temporal::workflow
