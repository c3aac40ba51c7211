// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace temporal::supervisor {

/// Resume functions of the workflow coroutine that runs on this thread and of those that await it, innermost first; how many
/// were written, 0 when none runs. On its own thread; async-signal-safe.
std::size_t read_workflow_chain(std::span<std::uintptr_t> into) noexcept;

}  // namespace temporal::supervisor
