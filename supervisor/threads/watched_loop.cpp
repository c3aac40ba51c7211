// SPDX-License-Identifier: MIT
#include "supervisor/threads/watched_loop.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <string_view>
#include <utility>

#include "supervisor/threads/report_fields.hpp"
#include "supervisor/threads/stacks.hpp"

namespace temporal::supervisor {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::int64_t in_ms(steady_clock::duration duration) {
  return std::chrono::duration_cast<milliseconds>(duration).count();
}

std::string_view stuck_message(Watchdog::LoopKind kind, std::uint64_t steps) {
  if (kind == Watchdog::LoopKind::core)
    return "the core loop is stuck: this is a bug of temporal-supervisor, please report it with "
           "the stack";
  if (steps > 1)
    return "a loop thread does not keep up with its activities: give it fewer, or use more "
           "--loop-threads";
  return "a loop thread is stuck: every activity on it waits until this one goes on. A coroutine "
         "must not block; activity::to_thread and in_child may";
}

}  // namespace

void Watchdog::Loop::look(Duration passed, steady_clock::time_point last_look) {
  {
    const std::lock_guard lock(mutex_);
    if (!watched_) return;
  }
  clock_ += passed;
  if (asked_ == 0) return ask();
  if (!has_answered()) {
    if (answered_.load() == 0) return;  // it does not run yet
    unanswered_ += passed;
    return grew();
  }
  unanswered_ += std::clamp(answered_at_ - last_look, Duration::zero(), passed);
  if (listener_) listener_->on_answer(kind_, unanswered_);
  if (passed_thresholds_ > 0) ended();
  ask();
}

void Watchdog::Loop::ask() {
  unanswered_ = {};
  ++asked_;
  if (slot_) steps_before_ = slot_->steps();
  const std::lock_guard lock(mutex_);
  if (!watched_) return;
  boost::asio::post(loop_, [self = shared_from_this(), question = asked_] {
    if (!self->slot_) {
      self->thread_ = ::gettid();
      self->slot_ = TaskSlot::of_this_thread();
    }
    self->answered_at_ = steady_clock::now();
    self->answered_.store(question);
  });
}

std::optional<milliseconds> Watchdog::Loop::next_threshold() const {
  if (passed_thresholds_ == 0) return options_.stall;
  if (passed_thresholds_ > options_.again.size()) return std::nullopt;
  return std::max(options_.again[passed_thresholds_ - 1], options_.stall);
}

void Watchdog::Loop::grew() {
  std::optional<std::size_t> due;
  for (auto next = next_threshold(); next && unanswered_ >= *next; next = next_threshold()) {
    if (passed_thresholds_ == 0) {
      ++stalls_;
      tell_listener();
    }
    due = passed_thresholds_++;
  }
  if (passed_thresholds_ > 0) stalled_now_ms_ = in_ms(unanswered_);
  if (!due) return;
  auto& told_at = told_at_[*due];
  if (told_at && clock_ - *told_at < options_.quiet) return;
  if (tell()) told_at = clock_;
}

void Watchdog::Loop::tell_listener() const {
  if (!listener_) return;
  const auto task = slot_->read();
  listener_->on_stall(task ? task->fields().activity_type : std::string_view());
}

bool Watchdog::Loop::tell() {
  const auto steps = slot_->steps() - steps_before_;
  LogFields line{{"loop", name_}, {"stuck_ms", in_ms(unanswered_)}};
  whose_ = LogFields::object();
  const auto snapshot = snapshot_of(thread_);
  const auto task = snapshot ? std::optional<TaskRecord>() : slot_->read();
  if (has_answered()) return false;  // what was seen may be what came after
  if (snapshot) {
    if (snapshot->has_task) add_task(whose_, snapshot->task.fields());
    add_snapshot(line, *snapshot);
  } else {
    if (task) add_task(whose_, task->fields());
    line["stack"] = "unknown: the thread takes no signals, it may wait for a device or a file";
  }
  line.update(whose_);
  if (steps > 1) line["steps"] = steps;
  if (const auto left_out = std::exchange(left_out_, 0)) line["suppressed"] = left_out;
  log_.warn(stuck_message(kind_, steps), line);
  told_ = true;
  return true;
}

void Watchdog::Loop::ended() {
  if (told_) {
    LogFields line{{"loop", name_}, {"stuck_ms", in_ms(unanswered_)}};
    line.update(whose_);
    log_.warn("the loop goes on", line);
  } else {
    ++left_out_;
  }
  told_ = false;
  passed_thresholds_ = 0;
  stalled_before_ms_ += in_ms(unanswered_);
  stalled_now_ms_ = 0;
}

Watchdog::Stalls Watchdog::Loop::stalls() const {
  return {name_, stalls_, milliseconds(stalled_before_ms_ + stalled_now_ms_)};
}

}  // namespace temporal::supervisor
