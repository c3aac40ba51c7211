// SPDX-License-Identifier: MIT
#include "child/exec_child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "child/executor.hpp"
#include "child/processes.hpp"
#include "shared/ipc/role_arguments.hpp"
#include "shared/module_loader.hpp"

namespace temporal::child {
namespace {

std::string joined(const std::vector<long long>& numbers) {
  std::string text;
  for (const auto number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

// Nothing where there is anything else.
std::vector<long long> split(std::string_view text) {
  std::vector<long long> numbers;
  for (;;) {
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), numbers.emplace_back());
    if (error != std::errc{}) return {};
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.empty()) return numbers;
    if (!text.starts_with(',')) return {};
    text.remove_prefix(1);
  }
}

std::vector<std::string> words_for(ChildDescriptors& descriptors, const ForkedOptions& options,
                                   const ModuleOptions& modules) {
  std::vector<long long> numbers;
  for (const auto* fd : descriptors.in_order()) numbers.push_back(fd->get());
  std::vector<std::string> words{
      "temporal-child", std::string(role::kChild),
      std::string(role::kParent) + std::to_string(options.zygote),
      std::string(role::kDescriptors) + joined(numbers),
      std::string(role::kSpawn) +
          joined({options.nice, options.oom_score_adj, static_cast<long long>(options.largest_bulk),
                  static_cast<long long>(options.limits.memory), options.core.value_or(-1)})};
  const auto add = [&words](std::string_view name, const auto& values) {
    for (const auto& value : values) words.push_back(std::string(name) + std::string(value));
  };
  if (!options.limits.cgroup.empty())
    words.push_back(std::string(role::kCgroup) + options.limits.cgroup.string());
  for (const auto& module : modules.modules)
    words.push_back(std::string(role::kModule) + module.string());
  if (modules.plain == temporal::Executor::threads) words.emplace_back(role::kPlainOnThreads);
  add(role::kNeedsActivity, modules.needs.activities);
  add(role::kNeedsFunction, modules.needs.functions);
  if (modules.needs.catch_all) words.emplace_back(role::kNeedsCatchAll);
  return words;
}

}  // namespace

void exec_child(ChildDescriptors descriptors, const ForkedOptions& options,
                const ModuleOptions& modules) {
  for (const auto* fd : descriptors.in_order()) ::fcntl(fd->get(), F_SETFD, 0);
  auto words = words_for(descriptors, options, modules);
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv("/proc/self/exe", arguments.data());
  ::dprintf(descriptors.output.get(), "cannot start this program again: %s\n",
            std::strerror(errno));
  ::_exit(kExitArena);
}

bool ExecutedChild::take_word(std::string_view word) {
  if (word.starts_with(role::kDescriptors)) {
    const auto numbers = split(word.substr(role::kDescriptors.size()));
    descriptors = ChildDescriptors(numbers.size() / PlaceDescriptors::kCount);
    const auto fds = descriptors.in_order();
    if (fds.size() != numbers.size()) return false;
    for (std::size_t i = 0; i < fds.size(); ++i) fds[i]->reset(static_cast<int>(numbers[i]));
    return true;
  }
  if (word.starts_with(role::kCgroup)) {
    options.limits.cgroup = word.substr(role::kCgroup.size());
    return true;
  }
  if (!word.starts_with(role::kSpawn)) return false;
  const auto numbers = split(word.substr(role::kSpawn.size()));
  if (numbers.size() != 5) return false;
  options.nice = static_cast<int>(numbers[0]);
  options.oom_score_adj = static_cast<int>(numbers[1]);
  options.largest_bulk = static_cast<std::size_t>(numbers[2]);
  options.limits.memory = static_cast<std::size_t>(numbers[3]);
  if (numbers[4] >= 0) options.core = static_cast<int>(numbers[4]);
  return true;
}

bool ExecutedChild::complete() const { return options.zygote > 0 && !descriptors.places.empty(); }

void run_executed_child(ExecutedChild child, const ModuleOptions& modules) {
  ::prctl(PR_SET_NAME, kChildName);  // the program's own name is nobody's mark
  auto& descriptors = child.descriptors;
  for (const auto* fd : descriptors.in_order()) ::fcntl(fd->get(), F_SETFD, FD_CLOEXEC);
  become_child(descriptors, child.options);
  // What is loaded is user code already; there is nothing left to add when it serves.
  become_expendable(std::exchange(child.options.nice, 0),
                    std::exchange(child.options.oom_score_adj, 0));
  Module module;
  Objects objects;
  try {
    load_modules(modules, module, objects);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    ::_exit(kExitModule);
  }
  auto of_modules = open_descriptors();
  for (const auto* fd : descriptors.in_order()) std::erase(of_modules, fd->get());
  const auto print = fingerprint(module);
  serve_as_child(std::move(descriptors), child.options,
                 {.module = module,
                  .fingerprint = print,
                  .descriptors = of_modules,
                  .objects = loaded_objects()});
}

}  // namespace temporal::child
