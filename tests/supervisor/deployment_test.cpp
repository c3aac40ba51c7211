// SPDX-License-Identifier: MIT
#include "supervisor/deployment.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "temporal/module.hpp"
#include "temporal/workflow.hpp"
#include "tests/support/folder.hpp"

namespace deployment_test {

using namespace temporal;
using namespace temporal::supervisor;
using temporal::test::Folder;
namespace enums = api::enums::v1;
namespace ws = api::workflowservice::v1;

struct Stays {
  Task<> run() { co_return; }
};
struct Moves {
  Task<> run() { co_return; }
};
struct Undecided {
  Task<> run() { co_return; }
};

void two(Module& m) {
  m.workflow<Stays>().versioning(Versioning::pinned);
  m.workflow<Moves>().versioning(Versioning::auto_upgrade);
}

std::string refusal(const Options& options, const Module& module) {
  try {
    (void)Deployment(options, module);
  } catch (const SettingsError& error) {
    return error.what();
  }
  return {};
}

Options versioned() {
  Options options;
  options.deployment_name = "shop";
  options.build_id = "1.0";
  options.use_versioning = true;
  return options;
}

TEST_CASE("a worker without a deployment says nothing of it") {
  Module module;
  two(module);
  ws::PollWorkflowTaskQueueRequest poll;
  Deployment(Options{}, module).mark(poll);
  CHECK_FALSE(poll.has_deployment_options());
  CHECK(Deployment(Options{}, module).behavior_of(module, "Stays") ==
        enums::VERSIONING_BEHAVIOR_UNSPECIFIED);
}

TEST_CASE("N018 a versioned worker marks its requests, and gives each type its behavior") {
  Module module;
  two(module);
  const Deployment deployment(versioned(), module);
  ws::PollWorkflowTaskQueueRequest poll;
  deployment.mark(poll);
  CHECK(poll.deployment_options().deployment_name() == "shop");
  CHECK(poll.deployment_options().build_id() == "1.0");
  CHECK(poll.deployment_options().worker_versioning_mode() ==
        enums::WORKER_VERSIONING_MODE_VERSIONED);
  CHECK(deployment.behavior_of(module, "Stays") == enums::VERSIONING_BEHAVIOR_PINNED);
  CHECK(deployment.behavior_of(module, "Moves") == enums::VERSIONING_BEHAVIOR_AUTO_UPGRADE);
}

TEST_CASE("N018 versions without a behavior for each workflow are refused, and those named") {
  Module module;
  two(module);
  module.workflow<Undecided>();
  CHECK(refusal(versioned(), module).find("no versioning behavior is given for Undecided:") !=
        std::string::npos);
  auto options = versioned();
  options.default_versioning = Versioning::pinned;
  CHECK(Deployment(options, module).behavior_of(module, "Undecided") ==
        enums::VERSIONING_BEHAVIOR_PINNED);
}

TEST_CASE("a worker that serves no workflow needs no behavior for those of its modules") {
  Module module;
  module.workflow<Undecided>();
  auto options = versioned();
  CHECK_FALSE(refusal(options, module).empty());
  options.activities_only = true;
  CHECK(refusal(options, module).empty());
}

TEST_CASE("names that the server would refuse are refused at the start") {
  Module module;
  auto options = versioned();
  options.deployment_name = "shop.west";
  CHECK(refusal(options, module).find("must not contain any of .:") != std::string::npos);
  options.deployment_name = "";
  CHECK(refusal(options, module).find("--deployment-name") != std::string::npos);
  options = versioned();
  options.build_id = "__mine";
  CHECK(refusal(options, module).find("begin with __") != std::string::npos);
  options.build_id = std::string(481, 'x');
  CHECK(refusal(options, module).find("480") != std::string::npos);
}

TEST_CASE("VE2 the default build id is one of the content of the program and its modules") {
  const Folder folder;
  const auto file = folder.path() / "module.so";
  const auto with = [&](const char* content) {
    std::ofstream(file) << content;
    return build_id_of({file});
  };
  const auto once = with("a");
  CHECK(once == with("a"));
  CHECK(once != with("b"));
  CHECK(once.size() == 36);
  CHECK_THROWS_AS((void)build_id_of({folder.path() / "none"}), SettingsError);
  Module module;
  auto options = versioned();
  options.build_id.clear();
  CHECK(Deployment(options, module).build_id().size() == 36);
}

}  // namespace deployment_test
