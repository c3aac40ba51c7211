// SPDX-License-Identifier: MIT
#include "child/entry.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>

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
  if (argc < 2 || std::string_view(argv[1]) != role::kZygote) return;
  ZygoteOptions options;
  options.own_modules = own_modules;
  bool valid = true;
  for (int i = 2; i < argc; ++i) {
    std::string_view value;
    if (take(argv[i], role::kSocket, value)) {
      valid = valid && parse(value, options.socket);
    } else if (take(argv[i], role::kParent, value)) {
      valid = valid && parse(value, options.parent);
    } else if (take(argv[i], role::kModule, value)) {
      options.modules.emplace_back(value);
    } else if (argv[i] == role::kPlainOnThreads) {
      options.plain = temporal::Executor::threads;
    } else if (take(argv[i], role::kNeedsActivity, value)) {
      options.needs.activities.emplace_back(value);
    } else if (take(argv[i], role::kNeedsFunction, value)) {
      options.needs.functions.emplace_back(value);
    } else if (argv[i] == role::kNeedsCatchAll) {
      options.needs.catch_all = true;
    } else {
      valid = false;
    }
  }
  if (!valid || options.socket < 0) std::exit(kExitArena);
  const int code = Zygote(std::move(options)).run();
  // exit(), and not _exit(): what the modules made while loading was made here, and ends here.
  std::exit(code);
}

}  // namespace temporal::child
