// SPDX-License-Identifier: MIT
#include "supervisor/workflow/coroutine_stacks.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "shared/function_name.hpp"

namespace temporal::engine {

namespace {

bool is_ours(std::string_view function) {
  return function.starts_with("temporal::engine::") || function.starts_with("temporal::detail::") ||
         function.starts_with("temporal::workflow::");
}

}  // namespace

std::vector<std::vector<CoroutineFrame>> coroutine_stacks(const detail::Trampoline& trampoline) {
  std::unordered_set<const detail::Frame*> awaiting;
  for (const auto* frame = trampoline.newest(); frame; frame = frame->older)
    if (frame->awaiting) awaiting.insert(frame->awaiting);
  std::vector<std::vector<CoroutineFrame>> stacks;
  for (const auto* leaf = trampoline.newest(); leaf; leaf = leaf->older) {
    if (awaiting.contains(leaf)) continue;
    std::vector<CoroutineFrame> stack;
    for (const auto* frame = leaf; frame; frame = frame->awaiting) {
      if (frame->where.line() == 0) continue;
      std::string function(qualified_name(frame->where.function_name()));
      if (!is_ours(function))
        stack.push_back({std::move(function), frame->where.file_name(), frame->where.line()});
    }
    if (!stack.empty()) stacks.push_back(std::move(stack));
  }
  std::ranges::reverse(stacks);
  return stacks;
}

}  // namespace temporal::engine
