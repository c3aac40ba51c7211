// SPDX-License-Identifier: MIT
// Which engine behaviours a run was recorded with. The numbers are Temporal's shared registry,
// append-only:
//
//   core 1  ids and types of activities and child workflows are compared with history
//   core 2  a patch marker is followed by an upsert of TemporalChangeVersion
//   core 3  commands issued after the one that ends the run go before it; without: they are cut
//   lang 2  all jobs of an activation are applied in one batch
//
// No number of our own: other SDKs' replayers would refuse our histories.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "temporal/api/sdk/v1/task_complete_metadata.pb.h"

namespace temporal::engine {

inline constexpr const char* kSdkName = "temporal-supervisor";
extern const char* const kSdkVersion;

enum class CoreFlag : std::uint32_t {
  id_and_type_checks = 1,
  upsert_on_patch = 2,
  move_terminal_commands = 3,
};

class SdkFlags {
 public:
  using Metadata = api::sdk::v1::WorkflowTaskCompletedMetadata;

  SdkFlags(bool server_keeps_metadata, bool replay_only)
      : kept_(server_keeps_metadata), replay_only_(replay_only) {}

  /// What a WORKFLOW_TASK_COMPLETED says; reading it twice does no harm. Throws EngineError for
  /// what was written by a newer worker or, unless this is the replay tool, by another SDK.
  void read(const Metadata& metadata, std::int64_t event_id);

  /// Replaying: was it in use? Live: use it, as news() will say.
  [[nodiscard]] bool use(CoreFlag flag, bool replaying) const;
  /// This history is written by another SDK, or by nobody knows whom.
  [[nodiscard]] bool foreign() const;
  /// What the next completion has to say that history does not say yet.
  [[nodiscard]] Metadata news() const;

 private:
  bool kept_;
  bool replay_only_;
  std::set<std::uint32_t> core_;
  std::set<std::uint32_t> lang_;
  std::string sdk_name_;
  std::string sdk_version_;
};

}  // namespace temporal::engine
