// SPDX-License-Identifier: MIT
#include "shared/module_loader.hpp"

#include <doctest/doctest.h>
#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "temporal/activity.hpp"
#include "tests/support/folder.hpp"

namespace fs = std::filesystem;
using temporal::load_module;
using temporal::Module;
using temporal::ModuleError;
using temporal::test::Folder;

namespace {

fs::path built(const std::string& name) {
  const char* folder = std::getenv("TEST_MODULES");
  REQUIRE(folder);
  return fs::path(folder) / ("lib" + name + ".so");
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string refusal(const fs::path& path) {
  Module module;
  try {
    load_module(path, module);
  } catch (const ModuleError& error) {
    const std::string said = error.what();
    CHECK(said.starts_with("cannot load module " + path.string() + ": "));
    CHECK(said.find('\n') == std::string::npos);
    CHECK(said.find("/proc/self/fd") == std::string::npos);
    return said;
  }
  return "loaded";
}

void says(const std::string& text, std::string_view part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
}

int call(const Module& module, const std::string& name) {
  temporal::activity::Context* none = nullptr;
  return temporal::from_payload<int>(module.activities().at(name).call(*none, {}));
}

}  // namespace

TEST_CASE("several modules fill one Module, each from its own file") {
  Module module;
  load_module(built("first"), module);
  load_module(built("second"), module);
  CHECK(module.activities().size() == 3);
  CHECK(module.workflows().contains("First"));
  // Their globals of one name are two.
  CHECK(call(module, "first") == 1);
  CHECK(call(module, "second") == 101);
  CHECK(call(module, "first") == 2);
}

TEST_CASE("a build is the content of the modules, wherever they lie") {
  const auto build = [](const fs::path& path) { return temporal::build_of({{path}}, false); };
  const Folder folder;
  const auto first = bytes_of(built("first"));
  CHECK(build(built("first")) == build(folder.file("same.so", first)));
  CHECK(build(built("first")) != build(built("second")));
  CHECK(build(built("first")) != temporal::build_of({}, true));
  CHECK(temporal::build_of({}, true) == temporal::build_of({}, true));
}

TEST_CASE("an exception of a module is caught as what it is") {
  Module module;
  load_module(built("second"), module);
  try {
    (void)call(module, "declines");
    FAIL("it throws");
  } catch (const temporal::ApplicationError& error) {
    CHECK(error.type() == "Declined");
  }
}

TEST_CASE("the file of a loaded module may be replaced in place, or cut to nothing") {
  const Folder folder;
  const auto path = folder.file("libreplaced.so", bytes_of(built("first")));
  Module module;
  load_module(path, module);
  {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file << std::string(fs::file_size(path), 'x');
  }
  CHECK(call(module, "first") == 1);
  REQUIRE(::truncate(path.c_str(), 0) == 0);
  CHECK(call(module, "first") == 2);
}

TEST_CASE("a newer version of a loaded module is another module") {
  const Folder folder;
  const auto path = folder.file("libversion.so", bytes_of(built("first")));
  Module older, newer;
  load_module(path, older);
  folder.file("libversion.so", bytes_of(built("second")));
  load_module(path, newer);
  CHECK(older.activities().contains("first"));
  CHECK(newer.activities().contains("second"));
}

TEST_CASE("a module given twice offers its names twice, which is refused") {
  Module module;
  load_module(built("first"), module);
  try {
    load_module(built("first"), module);
    FAIL("it was taken");
  } catch (const ModuleError& error) {
    says(error.what(), "'first' is registered twice");
  }
}

TEST_CASE("what is no module is refused in one sentence with its path") {
  const Folder folder;
  says(refusal("nowhere/libhello.so"), "No such file or directory; check the path");
  says(refusal(folder.path()), "it is not a file");
  says(refusal(folder.file("hello.cpp", "int main() {}\n")), "temporal_module dependency");
  says(refusal(folder.file("empty.so", "")), "temporal_module dependency");
  says(refusal(folder.file("noise.so", std::string(10'000, '\xa5'))), "temporal_module dependency");
  auto foreign = bytes_of(built("first"));
  foreign[EI_CLASS] = ELFCLASS32;
  says(refusal(folder.file("foreign.so", foreign)), "wrong ELF class");
  says(refusal(built("no_export")), "TEMPORAL_EXPORT_MODULE");
  says(refusal(built("other_abi")), "built against temporal-module-0");
  says(refusal(built("throws")), "its module function threw: no model file");
  says(refusal(built("throws_int")), "its module function threw");
}

TEST_CASE("a module that is being written is refused, wherever it is cut off") {
  const Folder folder;
  const auto whole = bytes_of(built("first"));
  for (std::size_t part = 1; part < 16; ++part) {
    CAPTURE(part);
    says(refusal(folder.file("libpart.so", whole.substr(0, whole.size() * part / 16))), "libpart");
  }
}

TEST_CASE("a pipe or a device is no module, and does not keep the loader waiting") {
  const Folder folder;
  const auto pipe = folder.path() / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  says(refusal(pipe), "it is not a file");
  says(refusal("/dev/null"), "it is not a file");
}

TEST_CASE("a file name as long as they get is no reason to refuse") {
  const Folder folder;
  const auto path = folder.file(std::string(252, 'm') + ".so", bytes_of(built("first")));
  CHECK(refusal(path) == "loaded");
}
