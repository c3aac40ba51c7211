// SPDX-License-Identifier: MIT
// Children that are not forked from loaded modules but load them for themselves: for modules that start threads, or CUDA, while
// they are loaded, which no fork survives. It costs each child the time and the memory of that.
#pragma once

#include <string_view>

#include "child/forked.hpp"
#include "child/modules.hpp"

namespace temporal::child {

/// The fork becomes a program anew. Ends the process when that cannot be.
[[noreturn]] void exec_child(ChildDescriptors descriptors, const ForkedOptions& options,
                             const ModuleOptions& modules);

/// What that program was told, apart from modules; see role_arguments.hpp. False: it is none of these words, or makes no sense.
struct ExecutedChild {
  ChildDescriptors descriptors{0};
  ForkedOptions options;
  [[nodiscard]] bool take_word(std::string_view word);
  [[nodiscard]] bool complete() const;
};

/// The life of that program. Ends with code 3 and a sentence on stderr when a module cannot be loaded.
[[noreturn]] void run_executed_child(ExecutedChild child, const ModuleOptions& modules);

}  // namespace temporal::child
