// SPDX-License-Identifier: MIT
#include "supervisor/lint_command.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "supervisor/lint/lint.hpp"

namespace fs = std::filesystem;

namespace temporal::supervisor {

namespace {

class Sources {
 public:
  /// Nothing where it cannot be read. Throws lint::SourceError.
  const lint::Source* read(const fs::path& path) {
    const auto [file, is_new] = files_.try_emplace(path.lexically_normal());
    if (is_new) load(path, file->second);
    if (file->second.error) throw *file->second.error;
    return file->second.source ? &*file->second.source : nullptr;
  }
  /// What is known of types there, and in what is included from there.
  void learn(const fs::path& path, lint::Types& types) {
    const auto* source = read(path);
    if (!source || !learned_.insert(path.lexically_normal()).second) return;
    types.learn(*source);
    for (const auto& include : source->includes) try {
        learn(path.parent_path() / include, types);
      } catch (const lint::SourceError&) {
        continue;  // it is not this file that was asked about
      }
  }

 private:
  struct File {
    std::string text{};
    std::optional<lint::Source> source{};
    std::optional<lint::SourceError> error{};
  };

  static void load(const fs::path& path, File& file) {
    std::error_code ignored;
    std::ifstream stream(path, std::ios::binary);
    if (!stream || !fs::is_regular_file(path, ignored)) return;
    file.text.assign(std::istreambuf_iterator<char>(stream), {});
    try {
      file.source = lint::read_source(file.text);
    } catch (const lint::SourceError& error) {
      file.error = error;
    }
  }

  std::map<fs::path, File> files_{};  // never moved: tokens are views of the texts
  std::set<fs::path> learned_{};
};

int refused(const std::string& why) {
  std::cerr << "temporal-supervisor: " << why << "\n";
  return kExitUsage;
}

int lint_file(const fs::path& path, Sources& sources, const lint::Types& types) {
  try {
    const auto* source = sources.read(path);
    if (!source)
      return refused(path.string() +
                     " cannot be read; name the C++ sources of a module, as in lint hello.cpp");
    const auto findings = lint::lint(*source, types);
    for (const auto& finding : findings)
      std::cout << path.string() << ":" << finding.line << ": " << finding.sentence << "\n";
    return findings.empty() ? kExitStopped : kExitFatal;
  } catch (const lint::SourceError& error) {
    return refused(path.string() + ":" + error.what() +
                   "; all brackets must close, in each branch of an #if");
  }
}

}  // namespace

int lint_command(const Options& options) {
  Sources sources;
  lint::Types types;
  for (const auto& path : options.lint_files) try {
      sources.learn(path, types);
    } catch (const lint::SourceError&) {
      continue;  // it is said when its turn comes
    }
  int code = kExitStopped;
  for (const auto& path : options.lint_files)
    code = std::max(code, lint_file(path, sources, types));
  return code;
}

}  // namespace temporal::supervisor
