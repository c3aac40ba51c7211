// SPDX-License-Identifier: MIT
#include "supervisor/reload_signal.hpp"

#include <csignal>
#include <utility>

namespace temporal::supervisor {

ReloadSignal::ReloadSignal(boost::asio::io_context& core, std::function<void()> reload)
    : reload_(std::move(reload)), signal_(core, SIGHUP) {
  wait();
}

void ReloadSignal::wait() {
  signal_.async_wait([this](boost::system::error_code error, int) {
    if (error) return;
    reload_();
    wait();
  });
}

}  // namespace temporal::supervisor
