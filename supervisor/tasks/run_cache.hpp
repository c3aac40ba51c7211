// SPDX-License-Identifier: MIT
// A run that is replayed for each of its tasks costs more the longer it lives, so runs stay in
// memory between their tasks. Which ones, and how is it that two tasks never have the same one? The
// least recently used go when there are too many, or they take too much memory, and a task has its run to itself from check_out()
// to the end of its Lease.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "supervisor/wakeup.hpp"
#include "supervisor/workflow/workflow_run.hpp"

namespace temporal::supervisor {

/// Destroys no run: that is user code's destructors, for which the core loop is not the place. Runs
/// that have to go are returned. Thread rule: core loop only.
class RunCache {
  struct Entry;
  using Node = std::pair<const std::string, Entry>;

 public:
  using Run = std::unique_ptr<engine::WorkflowRun>;

  /// While it exists, no other task gets this run id. Must not outlive its cache.
  class Lease {
   public:
    Lease(Lease&& other) noexcept
        : run(std::move(other.run)),
          cache_(std::exchange(other.cache_, nullptr)),
          node_(other.node_),
          holds_(other.holds_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    Run run;  ///< null: not in memory

   private:
    friend RunCache;
    Lease(RunCache& cache, Node& node) noexcept;
    RunCache* cache_;
    Node* node_;
    bool holds_ = false;
  };

  /// `capacity`: how many are kept between their tasks; `max_bytes`: how much memory they may take,
  /// as WorkflowRun::bytes() counts it; 0: unbounded. Those that have a task come on top.
  RunCache(boost::asio::any_io_executor core, std::size_t capacity, std::size_t max_bytes = 0)
      : capacity_(capacity), max_bytes_(max_bytes), released_(std::move(core)) {}

  /// Waits until no other task has this run; those that wait are served in their turn.
  boost::asio::awaitable<Lease> check_out(const std::string& run_id);
  /// Keeps the lease's run for its next task. Returns those that have to go for it; it may be among
  /// them.
  [[nodiscard]] std::vector<Run> check_in(Lease lease);
  /// All that have no task now, the least recently used first.
  [[nodiscard]] std::vector<Run> clear();

  [[nodiscard]] std::size_t size() const noexcept { return idle_.size(); }
  /// Of those that have no task now.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  struct Entry {
    Run run;                             // while no task has it
    std::list<Node*>::iterator place{};  // of `run`, in idle_
    int tasks = 0;                       // that have it or wait for it
    bool leased = false;
  };

  Run take(Node& node);
  Run take_oldest();
  void release(Node& node, bool held);

  std::size_t capacity_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::unordered_map<std::string, Entry> entries_;
  std::list<Node*> idle_;  // least recently used first
  Wakeup released_;
};

}  // namespace temporal::supervisor
