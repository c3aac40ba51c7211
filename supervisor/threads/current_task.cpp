// SPDX-License-Identifier: MIT
#include "supervisor/threads/current_task.hpp"

#include <algorithm>
#include <cstring>

namespace temporal::supervisor {

namespace {

// Initial-exec: reading it in a handler is one load, where the general model may allocate.
[[gnu::tls_model("initial-exec")]] constinit thread_local TaskSlot* slot_of_thread = nullptr;

// Others may hold the slot when its thread ends.
struct SlotOwner {
  std::shared_ptr<TaskSlot> slot = std::make_shared<TaskSlot>();
  SlotOwner() { slot_of_thread = slot.get(); }
  ~SlotOwner() { slot_of_thread = nullptr; }
};

std::shared_ptr<TaskSlot>& owned_slot() {
  thread_local SlotOwner owner;
  return owner.slot;
}

constexpr int kReadings = 8;

}  // namespace

static_assert(sizeof(TaskRecord) % sizeof(std::uint64_t) == 0);
static_assert(std::is_trivially_copyable_v<TaskRecord>);

TaskRecord::TaskRecord(const TaskFields& fields) noexcept : attempt_(fields.attempt) {
  char* end = text_.data();
  std::size_t field = 0;
  for (auto text : {fields.activity_type, fields.activity_id, fields.workflow_type,
                    fields.workflow_id, fields.run_id}) {
    text = text.substr(0, kLongest);
    end = std::ranges::copy(text, end).out;
    lengths_[field++] = static_cast<std::uint8_t>(text.size());
  }
}

TaskFields TaskRecord::fields() const noexcept {
  std::array<std::string_view, kFields> texts;
  const char* at = text_.data();
  for (std::size_t field = 0; field < kFields; ++field) {
    texts[field] = {at, lengths_[field]};
    at += lengths_[field];
  }
  return {texts[0], texts[1], texts[2], texts[3], texts[4], attempt_};
}

std::size_t TaskRecord::words() const noexcept {
  std::size_t bytes = offsetof(TaskRecord, text_);
  for (auto length : lengths_) bytes += length;
  return (bytes + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t);
}

std::uint64_t TaskIdentity::next_number() noexcept {
  static std::atomic<std::uint64_t> numbers = 0;
  return numbers.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::shared_ptr<const TaskSlot> TaskSlot::of_this_thread() { return owned_slot(); }

TaskSlot& TaskSlot::mine() { return slot_of_thread ? *slot_of_thread : *owned_slot(); }

const TaskSlot* TaskSlot::in_handler() noexcept { return slot_of_thread; }

void TaskSlot::set(const CurrentTask* step) noexcept {
  if (step) show(step->task());
  current_.store(step, std::memory_order_relaxed);
  occupied_.store(step != nullptr, std::memory_order_release);
}

// SYNC a step's thread → read(): each word is released after the odd version, so whoever reads a
// new word also sees that the version has changed.
void TaskSlot::show(const TaskIdentity& task) noexcept {
  if (shown_ == task.number()) return;
  shown_ = task.number();
  const auto version = version_.load(std::memory_order_relaxed);
  version_.store(version + 1, std::memory_order_relaxed);
  const auto& record = task.record();
  for (std::size_t i = 0, count = record.words(); i < count; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, reinterpret_cast<const char*>(&record) + i * sizeof word, sizeof word);
    words_[i].store(word, std::memory_order_release);
  }
  version_.store(version + 2, std::memory_order_release);
}

std::optional<TaskRecord> TaskSlot::read() const noexcept {
  for (int reading = 0; reading < kReadings; ++reading) {
    const auto version = version_.load(std::memory_order_acquire);
    if (version % 2 == 1) continue;
    if (!occupied_.load(std::memory_order_acquire)) return std::nullopt;
    TaskRecord record;
    for (std::size_t i = 0; i < kWords; ++i) {
      const auto word = words_[i].load(std::memory_order_acquire);
      std::memcpy(reinterpret_cast<char*>(&record) + i * sizeof word, &word, sizeof word);
    }
    if (version_.load(std::memory_order_relaxed) == version) return record;
  }
  return std::nullopt;
}

CurrentTask::CurrentTask(const TaskIdentity& task)
    : slot_(TaskSlot::mine()), task_(task), around_(slot_.current()) {
  slot_.set(this);
  slot_.steps_.store(slot_.steps_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

CurrentTask::~CurrentTask() { slot_.set(around_); }

const TaskIdentity* CurrentTask::of_this_thread() noexcept {
  const auto* step = slot_of_thread ? slot_of_thread->current() : nullptr;
  return step ? &step->task() : nullptr;
}

}  // namespace temporal::supervisor
