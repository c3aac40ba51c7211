// SPDX-License-Identifier: MIT
// An object of the worker itself whose constructor takes as long as a test wants.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <thread>

namespace fs = std::filesystem;

class Archive {
 public:
  explicit Archive(const std::string& folder) {
    std::ofstream(fs::path(folder) / "opening").flush();
    while (!fs::exists(fs::path(folder) / "release"))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  std::string look_up() { return "found"; }
};

void slow_start(temporal::Module& m) {
  const char* folder = std::getenv("ARCHIVE");
  auto archive = m.object<Archive>(std::string(folder ? folder : ""));
  m.activity<&Archive::look_up>(archive, {.executor = temporal::Executor::threads});
}
TEMPORAL_EXPORT_MODULE(slow_start);
