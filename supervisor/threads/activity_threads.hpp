// SPDX-License-Identifier: MIT
// Blocking calls that stay in this process need threads: as many as run at once, no more than
// allowed, and none while there is nothing to do.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace temporal::supervisor {

/// Thread rule: any thread may submit.
class ActivityThreads {
 public:
  /// `name`: of the threads, with a number behind it. A thread that had nothing to do for `idle`
  /// ends.
  ActivityThreads(std::string name, int most,
                  std::chrono::milliseconds idle = std::chrono::seconds(60));
  ActivityThreads(const ActivityThreads&) = delete;
  ActivityThreads& operator=(const ActivityThreads&) = delete;
  /// Waits for what runs and for what was submitted: where that may never end, the process must
  /// leave by _exit instead.
  ~ActivityThreads();

  /// Runs `work`, which throws nothing, on a thread: an idle one, else a new one, else the first
  /// that becomes free. Throws std::system_error when not even one thread can be started.
  void submit(std::function<void()> work);

  /// Threads that run something now.
  [[nodiscard]] int busy() const;

 private:
  struct Shared;
  static void serve(Shared& shared, int number);

  std::unique_ptr<Shared> shared_;
};

}  // namespace temporal::supervisor
