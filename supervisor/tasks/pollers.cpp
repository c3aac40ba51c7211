// SPDX-License-Identifier: MIT
#include "supervisor/tasks/pollers.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace {

bool is_abort(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

void Pollers::start(int count, Turn turn, Failed failed) {
  for (int i = 0; i < count; ++i) {
    ++open_;
    asio::co_spawn(core_, poll(turn),
                   asio::bind_cancellation_slot(cancels_.emplace_back().slot(),
                                                [this, failed](std::exception_ptr error) {
                                                  --open_;
                                                  ended_.notify();
                                                  if (error && !is_abort(error)) failed(error);
                                                }));
  }
}

asio::awaitable<void> Pollers::poll(Turn turn) {
  while (!stopping_) co_await turn();
}

asio::awaitable<void> Pollers::end(std::chrono::steady_clock::duration patience) {
  stop();
  auto none_open = [this]() -> asio::awaitable<void> {
    while (open_ > 0) co_await ended_.wait();
  };
  if (co_await within(patience, none_open())) co_return;
  for (auto& cancel : cancels_) cancel.emit(asio::cancellation_type::terminal);
  co_await none_open();
}

asio::awaitable<bool> within(std::chrono::steady_clock::duration bound,
                             asio::awaitable<void> done) {
  co_return co_await first_of(std::move(done), pause(bound)) == 0;
}

}  // namespace temporal::supervisor
