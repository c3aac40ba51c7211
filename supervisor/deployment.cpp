// SPDX-License-Identifier: MIT
#include "supervisor/deployment.hpp"

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/nil_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <fstream>
#include <iterator>

namespace temporal::supervisor {

namespace enums = api::enums::v1;

namespace {

// As the server has them.
constexpr std::size_t kLongestName = 480;

void check(const char* flag, const std::string& name, const char* never) {
  const auto refuse = [&](const std::string& why) {
    throw SettingsError(std::string(flag) + " '" + name + "': " + why);
  };
  if (name.size() > kLongestName)
    refuse("longer than the " + std::to_string(kLongestName) + " bytes the server takes");
  if (name.starts_with("__")) refuse("names that begin with __ are the server's own");
  if (name.find_first_of(never) != std::string::npos)
    refuse(std::string("must not contain any of ") + never);
}

enums::VersioningBehavior proto_of(Versioning versioning) {
  switch (versioning) {
    case Versioning::pinned:
      return enums::VERSIONING_BEHAVIOR_PINNED;
    case Versioning::auto_upgrade:
      return enums::VERSIONING_BEHAVIOR_AUTO_UPGRADE;
    case Versioning::unspecified:
      return enums::VERSIONING_BEHAVIOR_UNSPECIFIED;
  }
  return enums::VERSIONING_BEHAVIOR_UNSPECIFIED;
}

std::string undecided(const Module& module) {
  std::string names;
  const auto add = [&](const std::string& name, const detail::WorkflowDefinition& workflow) {
    if (workflow.versioning == Versioning::unspecified) names += (names.empty() ? "" : ", ") + name;
  };
  for (const auto& [name, workflow] : module.workflows()) add(name, workflow);
  if (const auto* catch_all = module.catch_all_workflow()) add("the catch-all", *catch_all);
  return names;
}

}  // namespace

Deployment::Deployment(const Options& options, const Module& module)
    : default_(options.default_versioning), versioned_(options.use_versioning) {
  said_ = versioned_ || !options.deployment_name.empty() || !options.build_id.empty();
  if (!said_) return;
  check("--deployment-name", options.deployment_name, ".:");
  check("--build-id", options.build_id, "");
  if (versioned_ && options.deployment_name.empty())
    throw SettingsError(
        "--use-versioning: say which deployment this worker is part of, as in "
        "--deployment-name shop");
  if (const auto names = undecided(module); versioned_ && !options.activities_only &&
                                            default_ == Versioning::unspecified && !names.empty())
    throw SettingsError(
        "--use-versioning: no versioning behavior is given for " + names +
        ": register each with .versioning(Versioning::pinned) or auto_upgrade, or set "
        "--default-versioning-behavior");
  proto_.set_deployment_name(options.deployment_name);
  auto files = options.modules;
  files.insert(files.begin(), "/proc/self/exe");
  proto_.set_build_id(options.build_id.empty() ? build_id_of(files) : options.build_id);
  proto_.set_worker_versioning_mode(versioned_ ? enums::WORKER_VERSIONING_MODE_VERSIONED
                                               : enums::WORKER_VERSIONING_MODE_UNVERSIONED);
}

enums::VersioningBehavior Deployment::behavior_of(const Module& module,
                                                  const std::string& type) const {
  if (!versioned_) return enums::VERSIONING_BEHAVIOR_UNSPECIFIED;
  const auto* workflow = module.find_workflow(type);
  const auto own = workflow ? workflow->versioning : Versioning::unspecified;
  return proto_of(own == Versioning::unspecified ? default_ : own);
}

std::string build_id_of(const std::vector<std::filesystem::path>& files) {
  auto id = boost::uuids::nil_uuid();
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    if (!file)
      throw SettingsError("the build id cannot be made: " + path.string() +
                          " cannot be read; give one with --build-id");
    id = boost::uuids::name_generator_sha1(id)(content.data(), content.size());
  }
  return boost::uuids::to_string(id);
}

}  // namespace temporal::supervisor
