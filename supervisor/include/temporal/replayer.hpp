// SPDX-License-Identifier: MIT
// Would this code have done what these histories say? The library's face of `temporal-supervisor replay`:
//
//   temporal::Replayer replayer({.own_modules = {shop}});
//   for (const auto& history : temporal::History::load("cart.json"))
//     CHECK(replayer.replay(history).message == "");
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "temporal/export.hpp"
#include "temporal/history.hpp"
#include "temporal/module.hpp"

namespace temporal {

struct ReplayResult {
  bool ok = false;
  std::string message;        ///< empty when ok; nondeterminism begins with [TMPRL1100]
  std::int64_t event_id = 0;  ///< where the code and history part; 0 when nowhere
};

struct ReplayerOptions {
  std::vector<std::filesystem::path> modules{};  ///< shared objects, as for `--module`
  std::vector<ModuleFunction> own_modules{};     ///< linked into this program
  int threads = 0;                               ///< of replay_all(); 0: one for each usable core
  bool header_codec = false;                     ///< as `--header-codec on`
  bool fail_fast = false;  ///< replay_all() ends with the first that does not replay
};

/// Talks to nobody, logs nothing.
class TEMPORAL_API Replayer {
 public:
  /// Throws a std::exception whose what() names the module that cannot be loaded, or is wrong.
  explicit Replayer(const ReplayerOptions& options);
  Replayer(const Replayer&) = delete;
  Replayer& operator=(const Replayer&) = delete;
  ~Replayer();

  /// The history may be that of a run that is over, or end anywhere. From any thread, also from several at a time.
  [[nodiscard]] ReplayResult replay(const History& history) const;
  /// One result for each, in their order; fewer with `fail_fast`, the last of which is the mismatch.
  [[nodiscard]] std::vector<ReplayResult> replay_all(const std::vector<History>& histories) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace temporal
