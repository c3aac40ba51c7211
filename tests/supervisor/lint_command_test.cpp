// SPDX-License-Identifier: MIT
#include "supervisor/lint_command.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

using namespace temporal::supervisor;
namespace fs = std::filesystem;

namespace {

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "lint-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()));
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] fs::path file(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }

 private:
  fs::path path_;
};

struct Result {
  int code;
  std::string out;
  std::string error;
};

Result lint(const std::vector<fs::path>& files) {
  std::ostringstream out, error;
  auto* const real_out = std::cout.rdbuf(out.rdbuf());
  auto* const real_error = std::cerr.rdbuf(error.rdbuf());
  const int code = lint_command({.verb = Options::Verb::lint, .lint_files = files});
  std::cout.rdbuf(real_out);
  std::cerr.rdbuf(real_error);
  return {code, out.str(), error.str()};
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
