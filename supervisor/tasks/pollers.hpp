// SPDX-License-Identifier: MIT
// Some polls are open at all times; at the end none may be, and no task that one of them brought
// may be lost. Pollers answers both: how polling starts, and how it ends.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <list>
#include <utility>

#include "supervisor/wakeup.hpp"

namespace temporal::supervisor {

/// Thread rule: core loop only. Must outlive what start() began: await end() first.
class Pollers {
 public:
  /// One turn: wait for a place, poll once, hand the task on.
  using Turn = std::function<boost::asio::awaitable<void>()>;
  /// A poll failed for good.
  using Failed = std::function<void(std::exception_ptr)>;

  explicit Pollers(boost::asio::any_io_executor core) : core_(core), ended_(core) {}

  /// May be called again, for polls of another kind.
  void start(int count, Turn turn, Failed failed);
  /// For the kind that start() was called for as the `kind`th, from 0. Polls that are too many are cancelled.
  void resize(std::size_t kind, int count);
  /// No new turn begins. Those that wait for a place are let go when end() cancels them.
  void stop() noexcept { stopping_ = true; }
  [[nodiscard]] bool stopping() const noexcept { return stopping_; }
  /// Cancels open polls, as end() does; none follows before resume(). A task whose poll the server had answered already is still
  /// handed on.
  void pause();
  void resume();
  /// Neither paused nor stopping.
  [[nodiscard]] bool polling() const noexcept { return !stopping_ && !paused_; }
  /// That poll, or wait for a place.
  [[nodiscard]] int open() const noexcept { return open_; }
  /// stop(), then waits for open polls: as long as `patience` for them to end by themselves, then
  /// cancels them.
  boost::asio::awaitable<void> end(std::chrono::steady_clock::duration patience);

 private:
  struct Poller {
    boost::asio::cancellation_signal cancel;
    bool wanted = false;
    bool running = false;
  };
  struct Kind {
    Turn turn;
    Failed failed;
    std::list<Poller> pollers;
  };
  void run(const Kind& kind, Poller& poller);
  boost::asio::awaitable<void> poll(const Kind& kind, const Poller& poller);
  void cancel();

  boost::asio::any_io_executor core_;
  std::deque<Kind> kinds_;
  int open_ = 0;
  bool stopping_ = false;
  bool paused_ = false;
  Wakeup ended_;
};

/// Counts what runs, so that somebody can wait until nothing does. Thread rule: core loop only.
class Gate {
 public:
  explicit Gate(boost::asio::any_io_executor core) : changed_(std::move(core)) {}

  class Pass {
   public:
    explicit Pass(Gate& gate) noexcept : gate_(&gate) { ++gate_->inside_; }
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_ && --gate_->inside_ == 0) gate_->changed_.notify();
    }

   private:
    Gate* gate_;
  };

  [[nodiscard]] Pass enter() noexcept { return Pass(*this); }
  [[nodiscard]] int inside() const noexcept { return inside_; }
  boost::asio::awaitable<void> empty() {
    while (inside_ > 0) co_await changed_.wait();
  }

 private:
  int inside_ = 0;
  Wakeup changed_;
};

/// Waits for `done`, at most `bound`. True when it came in time; otherwise it was cancelled.
boost::asio::awaitable<bool> within(std::chrono::steady_clock::duration bound,
                                    boost::asio::awaitable<void> done);

}  // namespace temporal::supervisor
