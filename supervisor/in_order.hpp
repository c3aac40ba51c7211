// SPDX-License-Identifier: MIT
// Work for several threads whose results are wanted one after the other.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace temporal::supervisor {

/// Calls make(0) to make(count - 1) on so many threads, at least one, and take(result) on this one, in that order, until it
/// returns false; what is begun then is still waited for. `make` must not throw.
template <class Make, class Take>
void in_order(std::size_t count, std::size_t threads, Make make, Take take) {
  using Result = std::invoke_result_t<Make, std::size_t>;
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::size_t, Result> results;
  struct NoMore {  // the threads find nothing left to begin, however this function is left
    std::atomic<std::size_t>& next;
    std::size_t count;
    ~NoMore() { next = count; }
  };

  std::vector<std::jthread> workers;
  const NoMore no_more{next, count};
  for (std::size_t i = 0; i < std::clamp<std::size_t>(threads, 1, std::max<std::size_t>(count, 1));
       ++i)
    workers.emplace_back([&] {
      for (auto index = next++; index < count; index = next++) {
        auto result = make(index);
        const std::lock_guard lock(mutex);
        results.emplace(index, std::move(result));
        changed.notify_one();
      }
    });
  for (std::size_t index = 0; index < count; ++index) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return results.contains(index); });
    auto result = std::move(results.extract(index).mapped());
    lock.unlock();
    if (!take(std::move(result))) return;
  }
}

}  // namespace temporal::supervisor
