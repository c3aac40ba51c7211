// SPDX-License-Identifier: MIT
// Are the loops alive, and if not, in what are they stuck? A thread of its own asks each loop for a
// sign of life; one that does not answer is named while it is stuck, with the task that runs there
// and its stack: after `stall`, and if it stays stuck after 1 s and after 10 s; and a last line
// says when it moves on.
//
// Its clock leaves out time in which the watchdog did not run itself (SIGSTOP, a starved machine).
#pragma once

#include <sys/types.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/threads/symbols.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor {

struct WatchdogOptions {
  /// How long a loop may not answer. 0: no loop is watched. A loop is asked every quarter of it.
  std::chrono::milliseconds stall{100};
  /// After how long of the same block it is told again.
  std::array<std::chrono::milliseconds, 2> again{std::chrono::seconds(1), std::chrono::seconds(10)};
  /// A loop's blocks are told of once in this time; those left out are counted in the next line.
  std::chrono::milliseconds quiet{10'000};
};

class Watchdog {
 public:
  enum class LoopKind {
    user,  ///< runs user code: a block is the activity's
    core,  ///< ours: a block is a bug of this program
  };
  /// How often, and for how long in all, a loop was stuck for `stall` or longer; blocks that still
  /// last are in it.
  struct Stalls {
    std::string loop;
    std::uint64_t count = 0;
    std::chrono::milliseconds total{};
  };
  /// Told on the watchdog's thread.
  class Listener {
   public:
    /// A loop has answered, so long after it was asked.
    virtual void on_answer(LoopKind kind, std::chrono::nanoseconds lag) = 0;
    /// A loop is stuck for `stall` now. `activity_type`: whose step it is in; empty when in none.
    virtual void on_stall(std::string_view activity_type) = 0;

   protected:
    ~Listener() = default;
  };
  class Watch;
  class Loop;  ///< watched_loop.hpp

  /// Starts the thread. `log` may be written from any thread; it and `listener`, if there is one,
  /// outlive this. Throws std::system_error: no thread, descriptor or real-time signal is to be had.
  explicit Watchdog(Logger& log, WatchdogOptions options = {}, Listener* listener = nullptr);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  /// Joins the thread.
  ~Watchdog();

  /// Watches `loop` from its first answer on (it need not run yet) until the Watch is destroyed,
  /// which must be before the loop is stopped or destroyed, and before the Watchdog is. One thread
  /// runs the loop. Any thread.
  [[nodiscard]] Watch watch(std::string name, LoopKind kind,
                            boost::asio::io_context::executor_type loop);

  /// All loops that are or were watched. Any thread.
  [[nodiscard]] std::vector<Stalls> stalls() const;

  /// Takes the stack of a thread of this process and calls `done` with its lines on the watchdog's
  /// thread; with none when the thread is gone or does not answer. Any thread; does not wait.
  void stack_of(pid_t thread, std::function<void(std::vector<std::string>)> done);

  /// Gives names to the stack of a child's crash, on the watchdog's thread, and calls `done` there. Any thread; does not wait.
  void name_crash(std::vector<std::uintptr_t> addresses, std::function<void(PrintedStack)> done);

  /// `answer` runs on the watchdog's thread after each ring(). One at a time; an empty one takes it
  /// away and waits for the one that runs. Any thread but the watchdog's.
  void on_ring(std::function<void()> answer);
  /// Async-signal-safe.
  void ring() const noexcept;
  /// The watchdog's kernel thread id.
  [[nodiscard]] pid_t thread() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// A loop is watched while this lives.
class [[nodiscard]] Watchdog::Watch {
 public:
  Watch() noexcept = default;
  Watch(Watch&&) noexcept = default;
  Watch& operator=(Watch&& other) noexcept;
  ~Watch();

  /// The loop has answered once: from now on a block is seen. Any thread.
  [[nodiscard]] bool answered() const noexcept;

 private:
  friend class Watchdog;
  explicit Watch(std::shared_ptr<Loop> loop) noexcept : loop_(std::move(loop)) {}
  std::shared_ptr<Loop> loop_;
};

}  // namespace temporal::supervisor
