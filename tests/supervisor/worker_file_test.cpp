// SPDX-License-Identifier: MIT
#include "supervisor/worker_file.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>

#include "supervisor/options.hpp"
#include "tests/support/captured.hpp"
#include "tests/support/folder.hpp"

using namespace std::chrono_literals;
using namespace temporal::supervisor;
using temporal::test::Captured;
using temporal::test::Folder;
namespace fs = std::filesystem;

namespace {

constexpr const char* kName = "worker.toml";

struct Parsed : ParsedOptions {
  std::string error;
};

Parsed parse(const Folder& folder, const std::string& text, std::vector<std::string> words = {}) {
  const auto file = folder.file(kName, text);
  words.insert(words.begin(), {"temporal-supervisor", "--config", file.string()});
  std::vector<const char*> arguments;
  for (const auto& word : words) arguments.push_back(word.c_str());
  const Captured said;
  auto parsed = parse_options(static_cast<int>(arguments.size()), arguments.data(), false);
  return {std::move(parsed), said.error()};
}

std::string refusal(const std::string& text) {
  const Folder folder;
  auto parsed = parse(folder, text);
  CHECK(parsed.exit);
  CHECK(parsed.exit_code == kExitUsage);
  const auto file = (folder.path() / kName).string();
  const auto name = parsed.error.find(file);
  if (name == std::string::npos) return parsed.error;
  return parsed.error.substr(name + file.size());
}

}  // namespace

TEST_CASE("CN11 each flag is a key, in its own type; modules lie beside the file") {
  const Folder folder;
  const auto parsed = parse(folder, R"(
task_queue = "shop"
modules = ["libshop.so", "/opt/libvideo.so"]
children = "auto"
child_nice = 7
grace = "30s"
activities_per_second = 2.5
workflows_only = true
)");
  INFO(parsed.error);
  REQUIRE_FALSE(parsed.exit);
  REQUIRE(parsed.workers.size() == 1);
  const auto& worker = parsed.workers.front();
  CHECK(worker.task_queue == "shop");
  CHECK(worker.modules == std::vector<fs::path>{folder.path() / "libshop.so", "/opt/libvideo.so"});
  CHECK(worker.children == usable_cores());
  CHECK(worker.child_nice == 7);
  CHECK(worker.grace == 30s);
  CHECK(worker.activities_per_second == 2.5);
  CHECK(worker.workflows_only);
}

TEST_CASE("AX25 a block for each task queue; what stands above them counts for all") {
  const Folder folder;
  const auto parsed = parse(folder, R"(
address = "127.0.0.1:7244"
module = "libshop.so"
children = 2
[[worker]]
task_queue = "shop"
[[worker]]
task_queue = "video"
namespace = "media"
children = 8
modules = ["libvideo.so"]
)");
  INFO(parsed.error);
  REQUIRE_FALSE(parsed.exit);
  REQUIRE(parsed.workers.size() == 2);
  const auto &shop = parsed.workers[0], &video = parsed.workers[1];
  CHECK(shop.address == "127.0.0.1:7244");
  CHECK(video.address == "127.0.0.1:7244");
  CHECK(shop.task_queue == "shop");
  CHECK(video.task_queue == "video");
  CHECK(shop.name_space == "default");
  CHECK(video.name_space == "media");
  CHECK(shop.children == 2);
  CHECK(video.children == 8);
  CHECK(video.modules == std::vector<fs::path>{folder.path() / "libvideo.so"});
}

TEST_CASE("CN11 the command line wins over the environment, which wins over the file") {
  const Folder folder;
  const std::string text =
      "task_queue = 'q'\nmodule = 'm.so'\nchildren = 2\nchild_nice = 2\ngrace = '2s'\n";
  ::setenv("TEMPORAL_SUPERVISOR_CHILDREN", "3", 1);
  ::setenv("TEMPORAL_SUPERVISOR_CHILD_NICE", "3", 1);
  const auto parsed = parse(folder, text, {"--children", "4"});
  ::unsetenv("TEMPORAL_SUPERVISOR_CHILDREN");
  ::unsetenv("TEMPORAL_SUPERVISOR_CHILD_NICE");
  INFO(parsed.error);
  REQUIRE_FALSE(parsed.exit);
  CHECK(parsed.options.children == 4);
  CHECK(parsed.options.child_nice == 3);
  CHECK(parsed.options.grace == 2s);
}

TEST_CASE("CN11 an unknown key is named with its place and the nearest known one") {
  CHECK(refusal("task_queue = 'q'\n  chidren = 3\n")
            .find(":2:3: there is no setting 'chidren'; is it 'children'?") == 0);
  CHECK(refusal("[[worker]]\ntask_qeue = 'q'\n")
            .find(":2:1: there is no setting 'task_qeue'; is it 'task_queue'?") == 0);
}

TEST_CASE("CN11 what is no TOML, or no value of that setting, is one sentence") {
  CHECK(refusal("task_queue = \n").find(":1:") == 0);
  CHECK(refusal("task_queue = 1979-05-27\n")
            .find(":1:14: task_queue is a text, a number, true or false, or a list") == 0);
  CHECK(refusal("module='m.so'\ntask_queue='q'\nchildren = 'many'\n")
            .find("--children: 'many' is neither 0 to 1024 nor auto") != std::string::npos);
  CHECK(refusal("module='m.so'\ntask_queue='q'\nworker = 7\n").find(":3:10: worker is a block") ==
        0);
}

TEST_CASE(
    "AX25 two workers of one queue are refused, and so is a block that speaks for the process") {
  CHECK(refusal("module='m.so'\n[[worker]]\ntask_queue='q'\n[[worker]]\ntask_queue='q'\n")
            .find(": two workers serve task queue 'q' of namespace 'default'") == 0);
  CHECK(refusal("module='m.so'\n[[worker]]\ntask_queue='q'\naddress='h:1'\n")
            .find(":4:1: address concerns the whole process") == 0);
}

TEST_CASE("CN11 a file that is not there is one sentence") {
  const std::array<const char*, 3> words{"temporal-supervisor", "--config", "/nowhere/worker.toml"};
  const Captured said;
  const auto parsed = parse_options(3, words.data(), false);
  CHECK(parsed.exit_code == kExitUsage);
  CHECK(said.error().find("/nowhere/worker.toml cannot be read") != std::string::npos);
}
