// SPDX-License-Identifier: MIT
#include "child/entry.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "child/exec_child.hpp"
#include "child/executor.hpp"
#include "child/zygote.hpp"
#include "shared/ipc/role_arguments.hpp"

namespace temporal::child {
namespace {

bool take(std::string_view argument, std::string_view name, std::string_view& value) {
  if (!argument.starts_with(name)) return false;
  value = argument.substr(name.size());
  return true;
}

bool parse(std::string_view text, int& number) {
  auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  return error == std::errc{} && end == text.end();
}

}  // namespace

void run_role_if_any(int argc, char** argv, std::span<const ModuleFunction> own_modules) {
  const std::string_view role = argc < 2 ? "" : argv[1];
  if (role != role::kZygote && role != role::kChild) return;
  ZygoteOptions zygote;
  ExecutedChild child;
  auto& modules = zygote.modules;
  modules.own_modules = own_modules;
  bool valid = true;
  for (int i = 2; i < argc; ++i) {
    std::string_view value;
    if (take(argv[i], role::kSocket, value)) {
      valid = valid && parse(value, zygote.socket);
    } else if (take(argv[i], role::kParent, value)) {
      valid = valid && parse(value, zygote.parent);
    } else if (take(argv[i], role::kModule, value)) {
      modules.modules.emplace_back(value);
    } else if (argv[i] == role::kPlainOnThreads) {
      modules.plain = temporal::Executor::threads;
    } else if (take(argv[i], role::kNeedsActivity, value)) {
      modules.needs.activities.emplace_back(value);
    } else if (take(argv[i], role::kNeedsFunction, value)) {
      modules.needs.functions.emplace_back(value);
    } else if (argv[i] == role::kNeedsCatchAll) {
      modules.needs.catch_all = true;
    } else if (argv[i] == role::kExecChildren) {
      zygote.exec_children = true;
    } else {
      valid = role == role::kChild && child.take_word(argv[i]) && valid;
    }
  }
  if (role == role::kChild) {
    child.options.zygote = zygote.parent;
    if (!valid || !child.complete()) std::exit(kExitArena);
    run_executed_child(std::move(child), modules);
  }
  if (!valid || zygote.socket < 0) std::exit(kExitArena);
  const int code = Zygote(std::move(zygote)).run();
  // exit(), and not _exit(): what the modules made while loading was made here, and ends here.
  std::exit(code);
}

}  // namespace temporal::child
