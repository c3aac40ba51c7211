// SPDX-License-Identifier: MIT
// The cgroup (version 2) that was handed down to this worker for its children: the folder below which each of them makes one of its
// own. By systemd (Delegate=), by a container that may write its tree, or by hand (--child-cgroup DIR).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "shared/ipc/fd.hpp"

namespace temporal::supervisor::children {

/// The folder is of no use, as a sentence.
class CgroupError : public std::runtime_error {
 public:
  /// `denied`: it was not meant for this worker: another user's, read-only, or without the memory controller.
  explicit CgroupError(const std::string& sentence, bool denied = false)
      : std::runtime_error(sentence), denied_(denied) {}
  [[nodiscard]] bool denied() const noexcept { return denied_; }

 private:
  bool denied_;
};

/// Of children that are gone.
struct EndedCgroups {
  std::vector<std::filesystem::path> dead;            ///< whatever is left there is to be killed
  std::vector<std::filesystem::path> not_to_disturb;  ///< it dumps its core, or does not die

  [[nodiscard]] bool empty() const noexcept { return dead.empty() && not_to_disturb.empty(); }
  EndedCgroups& operator+=(const EndedCgroups& more);
};
/// Kills and removes; those that cannot be removed yet stay in `ended`. Does not wait, but the kernel may take its time. Any thread.
void end(EndedCgroups& ended);

/// Thread rule: one thread.
class DelegatedCgroup {
 public:
  /// In `folder`, which must have the memory controller, and no processes but this one: it moves to `folder`/supervisor then, until
  /// the end. Takes the kernel some ten milliseconds. Throws CgroupError.
  [[nodiscard]] static std::shared_ptr<DelegatedCgroup> below(const std::filesystem::path& folder);
  /// This process's own cgroup; nothing when it cannot be seen from here.
  [[nodiscard]] static std::optional<std::filesystem::path> own();
  /// own(), or the one around it if nobody else is in that, whichever systemd has marked as delegated.
  [[nodiscard]] static std::optional<std::filesystem::path> marked();
  DelegatedCgroup(const DelegatedCgroup&) = delete;
  DelegatedCgroup& operator=(const DelegatedCgroup&) = delete;
  /// Ends what is still in one of them.
  ~DelegatedCgroup();

  /// Of the next child, which makes it.
  [[nodiscard]] std::filesystem::path next() { return folder_ / std::to_string(++made_); }
  /// Processes that workers which were killed had left there, and that were ended at the start.
  [[nodiscard]] int ended_at_start() const noexcept { return ended_at_start_; }
  /// To be ended, by whoever is next to do so.
  EndedCgroups ended;

 private:
  /// This process has moved aside, out of this folder, and goes back at the end.
  class Aside;
  DelegatedCgroup(std::unique_ptr<Aside> aside, std::filesystem::path folder, ipc::UniqueFd lock,
                  int ended_at_start);

  const std::unique_ptr<Aside> aside_;  // null: it did not have to
  const std::filesystem::path folder_;
  const ipc::UniqueFd lock_;  // held while the worker lives
  const int ended_at_start_;
  unsigned made_ = 0;
};

}  // namespace temporal::supervisor::children
