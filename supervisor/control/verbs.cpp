// SPDX-License-Identifier: MIT
#include "supervisor/control/verbs.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace asio = boost::asio;

namespace temporal::supervisor::control {

namespace {

constexpr std::array<std::string_view, 9> kVerbs{"ps",     "top",    "kill", "drain", "pause",
                                                 "resume", "reload", "set",  "stack"};
constexpr std::array kLevels{LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error};

std::string text(const Json& request, const char* key) {
  const auto found = request.find(key);
  return found != request.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string required(const Json& request, const char* key, const char* what) {
  auto value = text(request, key);
  if (value.empty()) throw Refused(what);
  return value;
}

std::optional<int> number(std::string_view text) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

Json set(Controlled& worker, const Json& request) {
  const auto name = text(request, "name");
  const auto value = text(request, "value");
  if (name == "log-level") {
    for (const auto level : kLevels)
      if (to_string(level) == value) return worker.set_log_level(level);
    throw Refused("'" + value + "' is no level; write debug, info, warn or error");
  }
  std::string known;
  for (const auto& setting : kSettings) {
    known += std::string(setting.name) + ", ";
    if (setting.name != name) continue;
    const auto count = number(value);
    if (!count || *count < setting.least || *count > setting.most)
      throw Refused("'" + value + "' is no number for " + name + "; write " +
                    std::to_string(setting.least) + " to " + std::to_string(setting.most) +
                    " (to take no tasks at all, there is pause)");
    return worker.set(setting, *count, text(request, "task_queue"));
  }
  throw Refused("there is no '" + name + "' to set; there are " + known + "log-level");
}

pid_t pid_in(const Json& request) {
  const auto found = request.find("pid");
  if (found == request.end() || !found->is_number_integer())
    throw Refused("whose stack? name the worker's process id, or one of its threads");
  return found->get<pid_t>();
}

Json done_at_once(Controlled& worker, const std::string& verb, const Json& request) {
  if (verb == "ps") return worker.view(false);
  if (verb == "top") return worker.view(true);
  if (verb == "drain") return worker.drain();
  if (verb == "pause") return worker.pause();
  if (verb == "resume") return worker.resume();
  if (verb == "set") return set(worker, request);
  if (verb == "kill")
    return worker.kill(required(
        request, "task",
        "which task? name it by its activity id, WORKFLOW_ID/ACTIVITY_ID or process id: ps shows "
        "them"));
  std::string known;
  for (const auto one : kVerbs) known += (known.empty() ? "" : ", ") + std::string(one);
  throw Refused("there is no verb '" + verb + "'; the verbs are " + known);
}

}  // namespace

std::span<const std::string_view> verbs() noexcept { return kVerbs; }

asio::awaitable<Json> answer(Controlled& worker, Json request) {
  Json reply;
  try {
    const auto verb = text(request, "verb");
    if (verb == "stack") {
      const pid_t pid = pid_in(request);
      auto told = co_await worker.stack(pid);
      reply = std::move(told);
    } else if (verb == "reload") {
      auto told = co_await worker.reload_children();
      reply = std::move(told);
    } else {
      reply = done_at_once(worker, verb, request);
    }
  } catch (const std::exception& error) {
    reply = Json::object();
    reply["error"] = error.what();
  }
  co_return reply;
}

}  // namespace temporal::supervisor::control
