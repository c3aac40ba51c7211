// SPDX-License-Identifier: MIT
// Many activities take turns on one loop thread. When it is stuck, or the process dies, whose turn
// was it? Each thread has a slot for that: written by its thread only, read by that thread's
// signal handlers and, should it be too stuck for a signal even, by other threads.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace temporal::supervisor {

class CoroutineChain;
class CurrentTask;

/// Who a task is. What is empty, or 0, is left out of reports.
struct TaskFields {
  std::string_view activity_type{};
  std::string_view activity_id{};
  std::string_view workflow_type{};
  std::string_view workflow_id{};
  std::string_view run_id{};
  std::uint32_t attempt = 0;
};

/// The same as plain bytes: what a signal handler can copy.
class TaskRecord {
 public:
  static constexpr std::size_t kFields = 5;
  static constexpr std::size_t kLongest = 255;  ///< bytes of a field; longer ones are cut

  TaskRecord() noexcept = default;
  explicit TaskRecord(const TaskFields& fields) noexcept;
  /// Views into this record.
  [[nodiscard]] TaskFields fields() const noexcept;

 private:
  friend class TaskSlot;
  [[nodiscard]] std::size_t words() const noexcept;

  std::uint32_t attempt_ = 0;
  std::array<std::uint8_t, kFields> lengths_{};
  std::array<char, kFields * kLongest + 4> text_{};  // one after the other; whole words in all
};

/// A task's name tag: made once for an attempt or a workflow task, worn by every thread that runs a
/// step of it. Must outlive each CurrentTask made of it.
class TaskIdentity {
 public:
  static constexpr std::size_t kLongestNote = 2048;

  /// `note`: kept with a crash of the task, in a file, for whoever knows what it says; at most
  /// kLongestNote bytes. Empty: its crash is told, and not kept.
  explicit TaskIdentity(const TaskFields& fields, std::string note = {}) noexcept
      : record_(fields), note_(std::move(note)) {}
  TaskIdentity(const TaskIdentity&) = delete;
  TaskIdentity& operator=(const TaskIdentity&) = delete;
  virtual ~TaskIdentity() = default;

  [[nodiscard]] const TaskRecord& record() const noexcept { return record_; }
  /// On the thread that runs the task's coroutines; null when there are none.
  [[nodiscard]] const CoroutineChain* chain() const noexcept {
    return chain_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] const std::string& note() const noexcept { return note_; }
  /// Differs from that of every other identity this process has had.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

 private:
  friend class CoroutineChain;
  static std::uint64_t next_number() noexcept;

  const TaskRecord record_;
  const std::string note_;
  const std::uint64_t number_ = next_number();
  std::atomic<const CoroutineChain*> chain_ = nullptr;  // set and read on the loop thread
};

/// One thread's slot.
class TaskSlot {
 public:
  /// That of the calling thread, made at the first call.
  [[nodiscard]] static std::shared_ptr<const TaskSlot> of_this_thread();
  /// That of the calling thread if it has one. Async-signal-safe.
  [[nodiscard]] static const TaskSlot* in_handler() noexcept;

  /// What runs on the slot's thread, as seen by another. Nothing: no task, or it is just changing.
  [[nodiscard]] std::optional<TaskRecord> read() const noexcept;
  /// How many steps of tasks have begun on this thread. Any thread may ask.
  [[nodiscard]] std::uint64_t steps() const noexcept {
    return steps_.load(std::memory_order_relaxed);
  }

  /// On the slot's own thread, also in a signal handler there: the innermost step, or null.
  [[nodiscard]] const CurrentTask* current() const noexcept {
    return current_.load(std::memory_order_relaxed);
  }

 private:
  friend class CurrentTask;
  static TaskSlot& mine();
  void set(const CurrentTask* step) noexcept;
  void show(const TaskIdentity& task) noexcept;

  static constexpr std::size_t kWords = sizeof(TaskRecord) / sizeof(std::uint64_t);
  std::atomic<const CurrentTask*> current_ = nullptr;
  std::atomic<bool> occupied_ = false;
  std::atomic<std::uint64_t> steps_ = 0;
  // The newest task, kept when its step ends: the next step is mostly of the same one.
  std::uint64_t shown_ = 0;                 // its number; the slot's thread only
  std::atomic<std::uint64_t> version_ = 0;  // odd while the words change
  std::array<std::atomic<std::uint64_t>, kWords> words_{};
};

/// While this local variable lives, its thread runs a step of `task`. Steps nest: the end of one
/// brings back the one around it. The stack of the step begins where this lies.
class [[nodiscard]] CurrentTask {
 public:
  explicit CurrentTask(const TaskIdentity& task);
  CurrentTask(const CurrentTask&) = delete;
  CurrentTask& operator=(const CurrentTask&) = delete;
  ~CurrentTask();

  [[nodiscard]] const TaskIdentity& task() const noexcept { return task_; }
  /// The task whose step the calling thread runs; null: none.
  [[nodiscard]] static const TaskIdentity* of_this_thread() noexcept;

 private:
  TaskSlot& slot_;
  const TaskIdentity& task_;
  const CurrentTask* around_;
};

}  // namespace temporal::supervisor
