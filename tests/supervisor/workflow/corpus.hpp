// SPDX-License-Identifier: MIT
// Histories recorded by other SDKs: the folder named by TEMPORAL_HISTORIES, by default beside the
// source tree. What is absent is skipped, with a line that says so.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "temporal/module.hpp"

namespace corpus {

struct Row {
  const char* file;
  void (*workflow)(temporal::Module&, const std::string& type);
  const char* refused = "";  ///< part of the message; empty: it replays
};

/// All of them: corpus_test.cpp.
std::span<const Row> rows();

}  // namespace corpus

namespace temporal::testing {

inline std::filesystem::path corpus_folder() {
  if (const char* folder = std::getenv("TEMPORAL_HISTORIES")) return folder;
  return std::filesystem::path(TEMPORAL_SOURCE_ROOT) / TEMPORAL_DEFAULT_HISTORIES;
}

inline void skipped(const std::string& reason) { std::cout << "skipped: " << reason << std::endl; }

inline bool corpus_present(const std::string& what) {
  if (std::filesystem::is_directory(corpus_folder())) return true;
  skipped(what + ": no recorded histories in " + corpus_folder().string());
  return false;
}

/// All of them, in order of name.
inline std::vector<std::filesystem::path> corpus_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(corpus_folder()))
    if (entry.path().extension() == ".json" || entry.path().extension() == ".bin")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace temporal::testing
