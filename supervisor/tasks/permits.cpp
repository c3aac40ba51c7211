// SPDX-License-Identifier: MIT
#include "supervisor/tasks/permits.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

void Permit::release() noexcept {
  if (auto* from = std::exchange(from_, nullptr)) from->give_back();
}

Permits::Permits(asio::any_io_executor core, int capacity)
    : capacity_(capacity), changed_(std::move(core)) {}

asio::awaitable<Permit> Permits::acquire() {
  while (free() <= 0) co_await changed_.wait();
  ++taken_;
  co_return Permit(this);
}

std::optional<Permit> Permits::try_acquire() {
  if (free() <= 0) return std::nullopt;
  ++taken_;
  return Permit(this);
}

void Permits::set_capacity(int capacity) {
  capacity_ = capacity;
  if (free() > 0) changed_.notify();
}

void Permits::give_back() noexcept {
  --taken_;
  if (free() > 0) changed_.notify();
}

}  // namespace temporal::supervisor
