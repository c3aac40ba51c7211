// SPDX-License-Identifier: MIT
// What a worker's settings are without any flag, and which no worker can have: the same for the
// command line and for a program that embeds one.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "supervisor/options.hpp"
#include "supervisor/utf8.hpp"

namespace temporal::supervisor {

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

// Where the system, or the user's session, keeps what a program leaves for its next start.
std::filesystem::path default_crash_pages() {
  const auto under = [](const char* variable, const char* path) {
    const char* folder = std::getenv(variable);
    // What is not absolute depends on where the worker was started.
    return folder && folder[0] == '/' ? std::filesystem::path(folder) / path
                                      : std::filesystem::path();
  };
  for (const auto& folder :
       {under("STATE_DIRECTORY", "crashes"), under("XDG_STATE_HOME", "temporal-supervisor/crashes"),
        under("HOME", ".local/state/temporal-supervisor/crashes")})
    if (!folder.empty()) return folder;
  return {};
}

bool printable_ascii(const std::string& text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
}

bool has_port(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  int port = 0;
  const char* const end = address.data() + address.size();
  const auto [stop, error] = std::from_chars(address.data() + colon + 1, end, port);
  return error == std::errc{} && stop == end && port > 0 && port < 65'536;
}

// A server refuses each call with a longer one, and gRPC each message with text that is not UTF-8.
void check_name(const std::string& flag, const std::string& name) {
  if (name.size() > 1000) throw std::invalid_argument(flag + ": is longer than 1000 bytes");
  if (!is_utf8(name)) throw std::invalid_argument(flag + ": is not valid UTF-8");
}

}  // namespace

Options default_options() {
  Options options;
  options.children = usable_cores();
  options.offload_children = usable_cores();
  options.workflow_threads = std::max(2, usable_cores());
  // In whole MiB, as it is shown.
  options.max_cache_bytes = usable_memory() / 4 >> 20 << 20;
  options.crash_pages = default_crash_pages();
  options.identity = std::to_string(::getpid()) + "@" + host_name();
  return options;
}

void check_options(const Options& options, bool own_modules) {
  if (options.verb == Options::Verb::control) return;
  if (options.verb == Options::Verb::lint) {
    if (options.lint_files.empty())
      throw std::invalid_argument(
          "lint: no file is named; name the C++ sources of a module, as in lint hello.cpp");
    return;
  }
  if (!own_modules && options.modules.empty())
    throw std::invalid_argument(
        "--module: nothing to serve; name a shared object, as in --module ./libhello.so");
  if (options.verb == Options::Verb::replay && options.histories.empty() &&
      options.replay_workflow_id.empty() && options.task_queue.empty())
    throw std::invalid_argument(
        "replay: no history is named; name a FILE, or what is to be fetched from the server by "
        "--workflow-id or --task-queue");
  if (options.verb == Options::Verb::replay) return;
  if (!has_port(options.address))
    throw std::invalid_argument("--address: '" + options.address +
                                "' is no address; write HOST:PORT");
  if (const auto wrong = fault_of(options.metrics)) throw std::invalid_argument(*wrong);
  if (options.task_queue.empty())
    throw std::invalid_argument(
        "--task-queue: nothing to poll; name the queue, as in --task-queue hello");
  if (options.workflows_only && options.activities_only)
    throw std::invalid_argument("--workflows-only, --activities-only: both leave nothing to serve");
  if (options.no_remote_activities && (options.workflows_only || options.activities_only))
    throw std::invalid_argument(
        "--no-remote-activities is for workers that serve workflows and local activities: leave "
        "out "
        "--workflows-only and --activities-only");
  for (const double number : {options.activities_per_second,
                              options.task_queue_activities_per_second, options.nonsticky_ratio})
    if (!std::isfinite(number))
      throw std::invalid_argument(
          "--activities-per-second, --task-queue-activities-per-second, --nonsticky-ratio: write a "
          "finite number");
  if (options.children < 0 || options.offload_children < 0)
    throw std::invalid_argument("--children, --offload-children: fewer than none is not possible");
  if (options.children_max > 0 && options.children_max < options.children)
    throw std::invalid_argument("--children-max: " + std::to_string(options.children_max) +
                                " is below --children, which are always there; write as many or "
                                "more, or leave it out");
  if (options.tasks_per_child < 1 || options.tasks_per_child > kMostTasksPerChild)
    throw std::invalid_argument("--tasks-per-child: write a number from 1 to " +
                                std::to_string(kMostTasksPerChild));
  if (options.tasks_per_child > 1 && (options.child_memory > 0 || options.cancel_grace))
    throw std::invalid_argument(
        "--tasks-per-child: a process that several activities share has no memory that is one's "
        "alone, and is not killed for a cancellation; leave out --child-memory and --cancel-grace");
  check_name("--task-queue", options.task_queue);
  check_name("--identity", options.identity);
  check_name("--namespace", options.name_space);
  if (options.max_cached_workflows > 0 && options.max_concurrent_workflow_tasks < 2)
    throw std::invalid_argument(
        "--max-concurrent-workflow-tasks: 1 is too few for two queues; allow 2, or keep no runs in "
        "memory with --max-cached-workflows 0");
  if (options.max_cached_workflows > 0 && options.sticky_timeout.count() == 0)
    throw std::invalid_argument("--sticky-timeout: a task must be allowed to wait for its worker");
  if (!printable_ascii(options.identity) || !printable_ascii(options.name_space))
    throw std::invalid_argument("--identity, --namespace: only printable ASCII can be sent");
}

}  // namespace temporal::supervisor
