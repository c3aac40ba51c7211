// SPDX-License-Identifier: MIT
// Which version of which worker deployment this process is, as every poll and every answer says.
#pragma once

#include <string>

#include "supervisor/options.hpp"
#include "temporal/api/deployment/v1/message.pb.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "temporal/module.hpp"

namespace temporal::supervisor {

class Deployment {
 public:
  /// Of a worker that says nothing of it.
  Deployment() = default;
  /// Throws SettingsError for names that the server would refuse, and when versions are used but some workflow of `module` has no
  /// behaviour. Without --build-id: a hash over the program and its modules.
  Deployment(const Options& options, const Module& module);

  [[nodiscard]] bool versioned() const noexcept { return versioned_; }
  [[nodiscard]] const std::string& name() const noexcept { return proto_.deployment_name(); }
  [[nodiscard]] const std::string& build_id() const noexcept { return proto_.build_id(); }

  template <class Request>
  void mark(Request& request) const {
    if (said_) *request.mutable_deployment_options() = proto_;
  }
  /// For a completion. Unspecified where versions are not used.
  [[nodiscard]] api::enums::v1::VersioningBehavior behavior_of(const Module& module,
                                                               const std::string& type) const;

 private:
  api::deployment::v1::WorkerDeploymentOptions proto_;
  Versioning default_ = Versioning::unspecified;
  bool said_ = false;
  bool versioned_ = false;
};

/// "/proc/self/exe" and modules, by their content; a UUID. Throws SettingsError for a file that cannot be read.
[[nodiscard]] std::string build_id_of(const std::vector<std::filesystem::path>& files);

}  // namespace temporal::supervisor
