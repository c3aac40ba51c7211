// SPDX-License-Identifier: MIT
#include "supervisor/state_signal.hpp"

#include <malloc.h>

#include <utility>

namespace temporal::supervisor {

StateSignal::StateSignal(boost::asio::io_context& core, Logger& log,
                         std::function<LogFields()> state)
    : log_(log), state_(std::move(state)), signal_(core, SIGUSR1) {
  wait();
}

void StateSignal::wait() {
  signal_.async_wait([this](boost::system::error_code error, int) {
    if (error) return;
    auto line = state_();
    const auto heap = ::mallinfo2();
    line["heap_used_bytes"] = heap.uordblks + heap.hblkhd;
    line["heap_free_bytes"] = heap.fordblks;
    ::malloc_trim(0);
    log_.info("state; free memory was given back", line);
    wait();
  });
}

}  // namespace temporal::supervisor
