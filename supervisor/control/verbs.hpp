// SPDX-License-Identifier: MIT
// What a worker can be told over its control socket, whoever tells it: each request is checked here, and answered by what the
// worker makes of it.
//
//  request                                            answer
//  {"verb":"ps"}, {"verb":"top"}                      the worker as it is; top: its metrics too
//  {"verb":"kill","task":T}                           {"said":...}; T: an activity id, workflow id/activity id, or process id
//  {"verb":"drain"}, {"verb":"pause"}, {"verb":"resume"}
//  {"verb":"set","name":"children","value":"8","task_queue":""}   one of kSettings, or log-level
//  {"verb":"reload"}                                  {"said":...}, when new tasks go to the new code, or it is refused
//  {"verb":"stack","pid":P}                           {"threads":[{"thread":,"name":,"stack":[...]}]}
//  anything else                                      {"error":a sentence}
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "supervisor/control/settings.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor::control {

using Json = nlohmann::json;

/// It cannot be done, as a sentence.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A worker, as the verbs see it. Each returns the answer, an object, or throws Refused. Core loop.
class Controlled {
 public:
  virtual Json view(bool with_metrics) = 0;
  virtual Json kill(const std::string& task) = 0;
  virtual Json drain() = 0;
  virtual Json pause() = 0;
  virtual Json resume() = 0;
  /// `value` is within the range. `task_queue`: empty for the only one that has this setting.
  virtual Json set(const SettingRange& setting, int value, const std::string& task_queue) = 0;
  virtual Json set_log_level(LogLevel lowest) = 0;
  virtual boost::asio::awaitable<Json> stack(pid_t pid) = 0;
  virtual boost::asio::awaitable<Json> reload_children() = 0;

 protected:
  ~Controlled() = default;
};

[[nodiscard]] std::span<const std::string_view> verbs() noexcept;

/// Never throws for what the request holds. `worker` must outlive it.
[[nodiscard]] boost::asio::awaitable<Json> answer(Controlled& worker, Json request);

}  // namespace temporal::supervisor::control
