// SPDX-License-Identifier: MIT
#include "supervisor/child_program.hpp"

#include <dlfcn.h>
#include <fcntl.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "supervisor/options.hpp"

namespace fs = std::filesystem;

namespace temporal::supervisor {

namespace {

constexpr const char* kName = "temporal-child";

fs::path library() {
  Dl_info info{};
  return ::dladdr(reinterpret_cast<const void*>(&open_child_program), &info) != 0 && info.dli_fname
             ? fs::path(info.dli_fname)
             : fs::path();
}

// Up from the library: lib/, or lib/x86_64-linux-gnu/, or a folder of the build tree.
std::vector<fs::path> candidates(const fs::path& self) {
  if (const char* named = std::getenv("TEMPORAL_CHILD")) return {named};
  std::vector<fs::path> all{self.parent_path() / kName};
  fs::path folder = library().parent_path();
  for (int up = 0; up < 2 && folder.has_parent_path(); ++up) {
    folder = folder.parent_path();
    all.push_back(folder / "bin" / kName);
    all.push_back(folder / "child" / kName);
  }
  return all;
}

}  // namespace

ipc::UniqueFd open_child_program(bool own_modules) {
  const auto self = fs::read_symlink("/proc/self/exe");
  const auto programs = own_modules ? std::vector{self} : candidates(self);
  std::string looked;
  for (const auto& program : programs) {
    ipc::UniqueFd file(::open(program.c_str(), O_RDONLY | O_CLOEXEC));
    if (file) return file;
    looked += (looked.empty() ? "" : ", ") + program.string();
  }
  throw SettingsError("no temporal-child, which children are made from; looked for " + looked +
                      ". Install it beside temporal-supervisor, or name it in TEMPORAL_CHILD");
}

}  // namespace temporal::supervisor
