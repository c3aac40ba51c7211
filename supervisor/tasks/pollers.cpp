// SPDX-License-Identifier: MIT
#include "supervisor/tasks/pollers.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <iterator>
#include <utility>

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
  auto& kind = kinds_.emplace_back();
  kind.turn = std::move(turn);
  kind.failed = std::move(failed);
  resize(kinds_.size() - 1, count);
}

void Pollers::resize(std::size_t which, int count) {
  auto& kind = kinds_.at(which);
  while (std::ssize(kind.pollers) < count) kind.pollers.emplace_back();
  int before = 0;
  for (auto& poller : kind.pollers) {
    poller.wanted = before++ < count;
    if (!poller.wanted && poller.running) poller.cancel.emit(asio::cancellation_type::terminal);
    if (poller.wanted && !poller.running && polling()) run(kind, poller);
  }
}

void Pollers::run(const Kind& kind, Poller& poller) {
  ++open_;
  poller.running = true;
  auto ended = [this, &kind, &poller](const std::exception_ptr& error) {
    // Later: the signal's slot is still that of the coroutine which calls this.
    asio::post(core_, [this, &kind, &poller, error] {
      --open_;
      poller.running = false;
      ended_.notify();
      if (error && !is_abort(error))
        kind.failed(error);
      else if (polling() && poller.wanted)  // again, before it had ended
        run(kind, poller);
    });
  };
  asio::co_spawn(core_, poll(kind, poller),
                 asio::bind_cancellation_slot(poller.cancel.slot(), std::move(ended)));
}

asio::awaitable<void> Pollers::poll(const Kind& kind, const Poller& poller) {
  while (polling() && poller.wanted) co_await kind.turn();
}

void Pollers::cancel() {
  for (auto& kind : kinds_)
    for (auto& poller : kind.pollers)
      if (poller.running) poller.cancel.emit(asio::cancellation_type::terminal);
}

void Pollers::pause() {
  if (!polling()) return;
  paused_ = true;
  cancel();
}

void Pollers::resume() {
  paused_ = false;
  if (stopping_) return;
  for (auto& kind : kinds_)
    for (auto& poller : kind.pollers)
      if (poller.wanted && !poller.running) run(kind, poller);
}

asio::awaitable<void> Pollers::end(std::chrono::steady_clock::duration patience) {
  stop();
  auto none_open = [this]() -> asio::awaitable<void> {
    while (open_ > 0) co_await ended_.wait();
  };
  if (co_await within(patience, none_open())) co_return;
  cancel();
  co_await none_open();
}

asio::awaitable<bool> within(std::chrono::steady_clock::duration bound,
                             asio::awaitable<void> done) {
  co_return co_await first_of(std::move(done), pause(bound)) == 0;
}

}  // namespace temporal::supervisor
