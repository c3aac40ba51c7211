// SPDX-License-Identifier: MIT
#include "supervisor/worker_file.hpp"

#include <algorithm>
#include <fstream>
#include <numeric>
#include <sstream>
#include <string_view>

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

namespace temporal::supervisor {

namespace {

using Words = std::vector<std::string>;

std::string flag_of(std::string_view key) {
  if (key == "modules") return "--module";
  std::string flag = "--" + std::string(key);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

std::string key_of(std::string flag) {
  flag.erase(0, 2);
  std::ranges::replace(flag, '-', '_');
  return flag;
}

// Single letters to add, to drop or to change.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

class Reader {
 public:
  Reader(const std::filesystem::path& path, const WorkerFileRules& rules)
      : path_(path), rules_(rules) {}

  std::vector<Words> read() {
    std::ifstream file(path_);
    if (!file || !std::filesystem::is_regular_file(path_))
      throw WorkerFileError(path_.string() + " cannot be read; is it the worker file's path?");
    try {
      const auto root = toml::parse(file, path_.string());
      return workers(root);
    } catch (const toml::parse_error& error) {
      throw complaint(error.source(), std::string(error.description()));
    }
  }

 private:
  std::vector<Words> workers(const toml::table& root) {
    Words common;
    const auto* node = blocks_ = root.get("worker");
    add_keys(root, common, false);
    if (!node) return {common};
    std::vector<Words> all;
    if (const auto* block = node->as_table()) {
      all.push_back(common);
      add_keys(*block, all.back(), false);
    } else if (const auto* blocks = node->as_array(); blocks && blocks->is_array_of_tables()) {
      for (const auto& one : *blocks) {
        all.push_back(common);
        add_keys(*one.as_table(), all.back(), true);
      }
    } else {
      throw complaint(node->source(), "worker is a block: write [worker] or [[worker]]");
    }
    return all;
  }

  void add_keys(const toml::table& table, Words& words, bool one_of_several) {
    for (const auto& [key, value] : table) {
      if (&value == blocks_) continue;
      const auto flag = flag_of(key.str());
      if (std::ranges::find(rules_.flags, flag) == rules_.flags.end())
        throw complaint(key.source(), unknown(key.str(), flag));
      if (one_of_several &&
          std::ranges::find(rules_.process_flags, flag) != rules_.process_flags.end())
        throw complaint(key.source(), std::string(key.str()) +
                                          " concerns the whole process: write it above the first "
                                          "[[worker]]");
      if (!rules_.is_set(flag)) add(flag, value, words);
    }
  }

  void add(const std::string& flag, const toml::node& value, Words& words) {
    // A block's value takes the place of the one for all blocks.
    std::erase_if(words, [&](const std::string& word) { return word.starts_with(flag + "="); });
    if (const auto* list = value.as_array()) {
      for (const auto& one : *list) words.push_back(flag + "=" + text_of(flag, one));
    } else {
      words.push_back(flag + "=" + text_of(flag, value));
    }
  }

  std::string text_of(const std::string& flag, const toml::node& value) {
    if (const auto* text = value.as_string()) {
      // An absolute path stays as it is.
      return flag == "--module" ? (path_.parent_path() / text->get()).string() : text->get();
    }
    if (value.is_integer() || value.is_floating_point() || value.is_boolean()) {
      std::ostringstream text;
      text << toml::node_view(value);
      return text.str();
    }
    throw complaint(value.source(),
                    key_of(flag) + " is a text, a number, true or false, or a list");
  }

  [[nodiscard]] std::string unknown(std::string_view key, const std::string& flag) const {
    std::string sentence = "there is no setting '" + std::string(key) + "'";
    const auto nearest = std::ranges::min_element(
        rules_.flags, {}, [&](const std::string& known) { return distance(known, flag); });
    if (nearest != rules_.flags.end()) sentence += "; is it '" + key_of(*nearest) + "'?";
    return sentence;
  }

  [[nodiscard]] WorkerFileError complaint(const toml::source_region& at,
                                          const std::string& what) const {
    return WorkerFileError(path_.string() + ":" + std::to_string(at.begin.line) + ":" +
                           std::to_string(at.begin.column) + ": " + what);
  }

  const std::filesystem::path& path_;
  const WorkerFileRules& rules_;
  const toml::node* blocks_ = nullptr;
};

}  // namespace

std::vector<std::vector<std::string>> read_worker_file(const std::filesystem::path& path,
                                                       const WorkerFileRules& rules) {
  return Reader(path, rules).read();
}

}  // namespace temporal::supervisor
