// SPDX-License-Identifier: MIT
#include "supervisor/child_groups.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string_view>

#include "supervisor/flags.hpp"
#include "supervisor/options.hpp"

namespace temporal::supervisor {

namespace {

constexpr int kMostChildren = 1024;
constexpr int kNicest = 19;
constexpr const char* kForm = "write NAME=N,queue=QUEUE, as in gpu=2,queue=video-gpu";

std::optional<int> number(std::string_view text, int most) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > most)
    return std::nullopt;
  return value;
}

/// What is before the first of `separators`; `text` is what is after it.
std::string_view cut(std::string_view& text, std::string_view separators) {
  const auto at = text.find_first_of(separators);
  const auto part = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return part;
}

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument(what); }

int number_of(const ChildGroup& group, std::string_view key, std::string_view value, int most) {
  const auto found = number(value, most);
  if (!found)
    refuse("group " + group.name + ": " + std::string(key) + "=" + std::string(value) +
           " is no number up to " + std::to_string(most));
  return *found;
}

}  // namespace

std::vector<int> core_list(const std::string& text) {
  std::set<int> cores;
  for (std::string_view left = text; !left.empty();) {
    auto last = cut(left, "+,");
    const bool one = last.find('-') == std::string_view::npos;
    const auto first = cut(last, "-");
    const auto from = number(first, CPU_SETSIZE - 1);
    const auto to = one ? from : number(last, CPU_SETSIZE - 1);
    if (!from || !to || *from > *to) refuse("'" + text + "' is no list of cores; write 0-3+6");
    for (int core = *from; core <= *to; ++core) cores.insert(core);
  }
  return {cores.begin(), cores.end()};
}

ChildGroup child_group(const std::string& text) {
  ChildGroup group;
  std::string_view left = text;
  auto count = cut(left, ",");
  group.name = cut(count, "=");
  const auto children = number(count, kMostChildren);
  if (group.name.empty() || !children || *children == 0)
    refuse("'" + text + "' names no group with children; " + kForm);
  group.children = *children;
  while (!left.empty()) {
    auto value = cut(left, ",");
    const auto key = cut(value, "=");
    if (key == "queue") {
      group.task_queue = value;
    } else if (key == "max") {
      group.children_max = number_of(group, key, value, kMostChildren);
      if (group.children_max < group.children)
        refuse("group " + group.name + ": max=" + std::string(value) +
               " is below the children that are always there");
    } else if (key == "nice") {
      group.nice = number_of(group, key, value, kNicest);
    } else if (key == "cores") {
      group.cores = core_list(std::string(value));
    } else if (key == "memory") {
      const auto size = parse_size(std::string(value));
      if (!size) refuse("'" + std::string(value) + "' is no size; write bytes, or 64K, 512M, 2G");
      group.memory = *size;
    } else if (key == "start") {
      if (value != "fork" && value != "exec")
        refuse("'" + std::string(value) + "' is no way to start; write fork or exec");
      group.exec_children = value == "exec";
    } else {
      refuse("'" + std::string(key) +
             "' is nothing that a group has; it has queue, max, cores, memory, nice, start");
    }
  }
  if (group.task_queue.empty())
    refuse("group " + group.name + " has no task queue of its own; " + kForm);
  return group;
}

std::vector<Options> with_groups(const Options& worker) {
  std::vector<Options> workers{worker};
  for (const auto& group : worker.groups) {
    for (const auto& other : workers)
      if (other.task_queue == group.task_queue)
        refuse("--group " + group.name + ": task queue '" + group.task_queue +
               "' is served already; name one of its own");
    Options& own = workers.emplace_back(worker);
    own.groups.clear();
    own.task_queue = group.task_queue;
    own.children = group.children;
    own.children_max = group.children_max;
    if (group.nice) own.child_nice = *group.nice;
    own.activities_only = true;
    own.workflows_only = own.no_remote_activities = false;
    if (!group.cores.empty()) own.cores = group.cores;
    if (group.exec_children) own.exec_children = *group.exec_children;
    if (group.memory > 0) own.child_memory = group.memory;
  }
  workers.front().groups.clear();
  return workers;
}

}  // namespace temporal::supervisor
