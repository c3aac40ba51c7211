// SPDX-License-Identifier: MIT
#include "supervisor/lint_command.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/captured.hpp"
#include "tests/support/folder.hpp"

using namespace temporal::supervisor;
using temporal::test::Captured;
using temporal::test::Folder;
namespace fs = std::filesystem;

namespace {

struct Result {
  int code;
  std::string out;
  std::string error;
};

Result lint(const std::vector<fs::path>& files) {
  const Captured said;
  const int code = lint_command({.verb = Options::Verb::lint, .lint_files = files});
  return {code, said.out(), said.error()};
}

const std::string kBad = "Task<int> run(int n) {\n  co_await store(Item{n});\n}\n";
const std::string kGood = "Task<int> run(int n) {\n  Item item{n};\n  co_await store(item);\n}\n";

}  // namespace

TEST_CASE("lint: clean sources are no line and 0") {
  const Folder folder;
  const auto result = lint({folder.file("good.cpp", kGood), folder.file("empty.cpp", "")});
  CHECK(result.code == kExitStopped);
  CHECK(result.out.empty());
  CHECK(result.error.empty());
}

TEST_CASE("lint: a finding is a line with file and line, and 1; the other files are still read") {
  const Folder folder;
  const auto bad = folder.file("bad.cpp", kBad);
  const auto result = lint({bad, folder.file("good.cpp", kGood), bad});
  CHECK(result.code == kExitFatal);
  const auto begin = bad.string() + ":2: `Item{...}` is destroyed twice by GCC 12 if ";
  CHECK(result.out.starts_with(begin));
  CHECK(result.out.find("\n" + begin) != std::string::npos);
  CHECK(result.error.empty());
}

TEST_CASE("lint: types are known from headers that are included by their path, each read once") {
  const Folder folder;
  (void)folder.file("item.hpp", "#include \"bad.cpp\"\nstruct Item { int n; };\n");
  const auto bad = folder.file("bad.cpp", "#include \"item.hpp\"\n" + kBad);
  CHECK(lint({bad}).out.empty());
  (void)folder.file("item.hpp", "struct Item { std::string n; };\n");
  CHECK(lint({bad}).out.find("`Item{...}` is destroyed twice by GCC 12, for") != std::string::npos);
  (void)folder.file("item.hpp", "struct Item {");
  CHECK(lint({bad}).code == kExitFatal);
}

TEST_CASE("lint: what cannot be read is one sentence with what to do, and 2") {
  const Folder folder;
  const auto bad = folder.file("bad.cpp", kBad);
  for (const auto& path : {fs::path("/nowhere/x.cpp"), bad.parent_path()}) {
    const auto result = lint({path, bad});
    CHECK(result.code == kExitUsage);
    CHECK(result.error == "temporal-supervisor: " + path.string() +
                              " cannot be read; name the C++ sources of a module, as in lint "
                              "hello.cpp\n");
    CHECK(result.out.starts_with(bad.string()));
  }
  const auto open = folder.file("open.cpp", "\nint f() {\n");
  const auto result = lint({open});
  CHECK(result.code == kExitUsage);
  CHECK(result.error.find(open.string() + ":2: '{' is never closed; ") != std::string::npos);
}
