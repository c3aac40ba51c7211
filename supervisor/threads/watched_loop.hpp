// SPDX-License-Identifier: MIT
// One loop, as the watchdog sees it: asked, answered or not, and what has been said of it.
//
//  a block lasts       what is done
//  < stall             nothing
//  stall, 1 s, 10 s    counted once; told, at each threshold, at most once per `quiet`
//  until it ends       told, if something was told of it; else it is counted in the next line
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "supervisor/threads/current_task.hpp"
#include "supervisor/threads/watchdog.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor {

/// Thread rule: the watchdog's, where nothing else is said.
class Watchdog::Loop : public std::enable_shared_from_this<Loop> {
 public:
  using Executor = boost::asio::io_context::executor_type;
  using Duration = std::chrono::steady_clock::duration;

  Loop(std::string name, LoopKind kind, Executor executor, WatchdogOptions options, Logger& log,
       Listener* listener)
      : name_(std::move(name)),
        kind_(kind),
        options_(options),
        log_(log),
        listener_(listener),
        loop_(executor) {}

  /// `passed` of the watchdog's time went by since the last look, which was at `last_look`.
  void look(Duration passed, std::chrono::steady_clock::time_point last_look);

  /// Nothing is posted to the loop from now on. Any thread.
  void unwatch() {
    const std::lock_guard lock(mutex_);
    watched_ = false;
  }
  /// Any thread.
  [[nodiscard]] Stalls stalls() const;
  /// Any thread.
  [[nodiscard]] bool answered_once() const noexcept { return answered_.load() > 0; }

 private:
  [[nodiscard]] bool has_answered() const noexcept { return answered_.load() == asked_; }
  void ask();
  void grew();
  void ended();
  void tell_listener() const;
  [[nodiscard]] bool tell();
  [[nodiscard]] std::optional<std::chrono::milliseconds> next_threshold() const;

  const std::string name_;
  const LoopKind kind_;
  const WatchdogOptions options_;
  Logger& log_;
  Listener* const listener_;

  std::mutex mutex_;
  bool watched_ = true;
  const Executor loop_;

  // SYNC the loop's thread → look(): `answered_` is stored last.
  pid_t thread_ = 0;
  std::shared_ptr<const TaskSlot> slot_;
  std::chrono::steady_clock::time_point answered_at_{};
  std::atomic<std::uint64_t> answered_ = 0;

  Duration clock_{};
  std::uint64_t asked_ = 0;
  std::uint64_t steps_before_ = 0;
  // The block that lasts, if there is one.
  Duration unanswered_{};
  std::size_t passed_thresholds_ = 0;
  bool told_ = false;
  LogFields whose_;
  // All blocks.
  std::uint64_t left_out_ = 0;  // nothing was said of them since the last line
  std::array<std::optional<Duration>, 3> told_at_{};  // by threshold

  // Read by any thread.
  std::atomic<std::uint64_t> stalls_ = 0;
  std::atomic<std::int64_t> stalled_before_ms_ = 0, stalled_now_ms_ = 0;
};

}  // namespace temporal::supervisor
