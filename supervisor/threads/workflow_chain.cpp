// SPDX-License-Identifier: MIT
#include "supervisor/threads/workflow_chain.hpp"

#include "supervisor/threads/peek.hpp"
#include "temporal/trampoline.hpp"

namespace temporal::supervisor {

std::size_t read_workflow_chain(std::span<std::uintptr_t> into) noexcept {
  const auto* trampoline = detail::current_trampoline();
  if (!trampoline) return 0;
  std::size_t count = 0;
  for (const auto* frame = trampoline->running(); frame && count < into.size();) {
    const auto handle = peek(&frame->handle);
    if (!handle) break;
    // The first word of a coroutine's frame, with GCC and Clang.
    const auto resume = peek(static_cast<const std::uintptr_t*>(handle->address()));
    if (!resume) break;
    into[count++] = *resume;
    const auto awaiting = peek(&frame->awaiting);
    frame = awaiting ? *awaiting : nullptr;
  }
  return count;
}

}  // namespace temporal::supervisor
