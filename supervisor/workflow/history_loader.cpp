// SPDX-License-Identifier: MIT
#include "supervisor/workflow/history_loader.hpp"

#include <google/protobuf/util/json_util.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "supervisor/workflow/history_json.hpp"

namespace temporal::engine {

namespace {

using api::history::v1::History;
using nlohmann::json;

[[noreturn]] void refuse(std::string_view name, const std::string& why) {
  throw HistoryFileError("cannot read history " + std::string(name) + ": " + why);
}

History history_from(json value, std::string_view name) {
  if (value.is_object() && !value.contains("events") && value.contains("history"))
    value = std::move(value["history"]);
  if (!value.is_object() || !value.contains("events"))
    refuse(name, "it is JSON, but has no \"events\"");
  History history;
  normalise(value, *History::descriptor());
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status = google::protobuf::util::JsonStringToMessage(value.dump(), &history, options);
  if (!status.ok()) refuse(name, status.ToString());
  return history;
}

std::vector<History> histories_from(json value, std::string_view name) {
  std::vector<History> histories;
  if (value.is_array() && !value.empty() && value.front().contains("eventId"))
    value = json{{"events", std::move(value)}};
  if (value.is_array()) {
    for (auto& one : value) histories.push_back(history_from(std::move(one), name));
  } else {
    histories.push_back(history_from(std::move(value), name));
  }
  return histories;
}

// A serialized History begins with a line feed, so that its second byte may well be a brace.
bool may_be_json(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  return first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
}

// What reads and writes JSON calls itself for each level, and so does Protobuf, which gives up at 100.
bool nested_too_deeply(std::string_view text) {
  constexpr int kDeepest = 1'000;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\')
      ++i;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && (c == '{' || c == '['))
      depth += 1;
    else if (!quoted && (c == '}' || c == ']'))
      depth -= 1;
    if (depth > kDeepest) return true;
  }
  return false;
}

std::vector<History> parse(std::string_view text, std::string_view name) {
  std::optional<std::string> why;
  if (name.ends_with(".json") || (!name.ends_with(".bin") && may_be_json(text))) {
    if (nested_too_deeply(text)) refuse(name, "its JSON is nested too deeply for a history");
    try {
      return histories_from(json::parse(text), name);
    } catch (const json::exception& error) {
      why = error.what();
    }
  }
  History history;
  if (!name.ends_with(".json") && history.ParseFromArray(text.data(), int(text.size())))
    return {std::move(history)};
  refuse(name, why.value_or("it is neither JSON nor a serialized History"));
}

}  // namespace

std::vector<History> parse_histories(std::string_view text, std::string_view name) {
  auto histories = parse(text, name);
  if (histories.empty()) refuse(name, "it holds no history");
  for (const auto& history : histories)
    if (history.events().empty()) refuse(name, "it holds no events");
  return histories;
}

std::vector<History> load_histories(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  // A folder opens, and fails when it is read.
  if (!file || !(text << file.rdbuf()))
    refuse(path.string(), "the file is missing, empty or not readable");
  return parse_histories(text.str(), path.string());
}

History load_history(const std::filesystem::path& path) {
  auto histories = load_histories(path);
  if (histories.size() != 1)
    refuse(path.string(), "it holds " + std::to_string(histories.size()) + " histories, not one");
  return std::move(histories.front());
}

}  // namespace temporal::engine
