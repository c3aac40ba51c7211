// SPDX-License-Identifier: MIT
#include "child/exec_child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

std::array<ipc::UniqueFd*, 6> in_order(ChildDescriptors& descriptors) {
  return {&descriptors.down,   &descriptors.up,  &descriptors.ear, &descriptors.supervisor_bell,
          &descriptors.output, &descriptors.bulk};
}

std::string joined(const std::vector<long long>& numbers) {
  std::string text;
  for (const auto number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

template <std::size_t kCount>
bool split(std::string_view text, std::array<long long, kCount>& numbers) {
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), numbers[i]);
    if (error != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (i + 1 < kCount && !text.starts_with(',')) return false;
    if (i + 1 < kCount) text.remove_prefix(1);
  }
  return text.empty();
}

std::vector<std::string> words_for(ChildDescriptors& descriptors, const ForkedOptions& options,
                                   const ModuleOptions& modules) {
  std::vector<long long> numbers;
  for (const auto* fd : in_order(descriptors)) numbers.push_back(fd->get());
  std::vector<std::string> words{
      "temporal-child", std::string(role::kChild),
      std::string(role::kParent) + std::to_string(options.zygote),
      std::string(role::kDescriptors) + joined(numbers),
      std::string(role::kSpawn) +
          joined({options.nice, options.oom_score_adj, static_cast<long long>(options.largest_bulk),
                  static_cast<long long>(options.memory), options.core.value_or(-1)})};
  const auto add = [&words](std::string_view name, const auto& values) {
    for (const auto& value : values) words.push_back(std::string(name) + std::string(value));
  };
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
  for (const auto* fd : in_order(descriptors)) ::fcntl(fd->get(), F_SETFD, 0);
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
    std::array<long long, 6> numbers{};
    if (!split(word.substr(role::kDescriptors.size()), numbers)) return false;
    const auto fds = in_order(descriptors);
    for (std::size_t i = 0; i < fds.size(); ++i) fds[i]->reset(static_cast<int>(numbers[i]));
    return true;
  }
  if (!word.starts_with(role::kSpawn)) return false;
  std::array<long long, 5> numbers{};
  if (!split(word.substr(role::kSpawn.size()), numbers)) return false;
  options.nice = static_cast<int>(numbers[0]);
  options.oom_score_adj = static_cast<int>(numbers[1]);
  options.largest_bulk = static_cast<std::size_t>(numbers[2]);
  options.memory = static_cast<std::size_t>(numbers[3]);
  if (numbers[4] >= 0) options.core = static_cast<int>(numbers[4]);
  return true;
}

bool ExecutedChild::complete() const { return options.zygote > 0 && descriptors.bulk; }

void run_executed_child(ExecutedChild child, const ModuleOptions& modules) {
  ::prctl(PR_SET_NAME, kChildName);  // the program's own name is nobody's mark
  auto& descriptors = child.descriptors;
  for (const auto* fd : in_order(descriptors)) ::fcntl(fd->get(), F_SETFD, FD_CLOEXEC);
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
  for (const auto* fd : in_order(descriptors)) std::erase(of_modules, fd->get());
  const auto print = fingerprint(module);
  serve_as_child(std::move(descriptors), child.options,
                 {.module = module,
                  .fingerprint = print,
                  .descriptors = of_modules,
                  .objects = loaded_objects()});
}

}  // namespace temporal::child
