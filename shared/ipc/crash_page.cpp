// SPDX-License-Identifier: MIT
#include "shared/ipc/crash_page.hpp"

#include <algorithm>

namespace temporal::ipc {

void CrashWriter::write(int signal, bool stack_overflow, bool stranger,
                        std::size_t frame_count) const noexcept {
  page_->signal = signal;
  page_->stack_overflow = stack_overflow ? 1 : 0;
  page_->stranger = stranger ? 1 : 0;
  page_->frame_count = static_cast<std::uint32_t>(frame_count);
  page_->written.store(1);
}

std::optional<Crash> read_crash(const CrashPage& page) {
  if (page.written.load() != 1) return std::nullopt;
  Crash crash{.signal = page.signal,
              .stack_overflow = page.stack_overflow != 0,
              .stranger = page.stranger != 0};
  const auto count = std::min<std::size_t>(page.frame_count, kCrashFrames);
  crash.frames.assign(page.frames.begin(), page.frames.begin() + count);
  const auto end = std::ranges::find(page.exception, '\0');
  crash.exception.assign(page.exception.begin(), end);
  return crash;
}

}  // namespace temporal::ipc
