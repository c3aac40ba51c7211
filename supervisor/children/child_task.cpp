// SPDX-License-Identifier: MIT
// A child's task: how it goes down, what comes back, and the attempt's hand on it. Life is in child.cpp, death in child_end.cpp.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include "supervisor/children/child.hpp"

namespace temporal::supervisor::children {
namespace {

namespace asio = boost::asio;
namespace v1 = temporal::child::v1;
using ipc::Receive;
using ipc::RecordType;

constexpr int kStraysAllowed = 2;
constexpr int kMessagesPerTurn = 64;

}  // namespace

AttemptHandle::~AttemptHandle() {
  if (child_) child_->attempt_ = nullptr;
}

void AttemptHandle::cancel(CancelReason reason) {
  reasons_ |= static_cast<ipc::CancelReasons>(1U << static_cast<unsigned>(reason));
  if (child_) child_->cancel(reasons_);
}

void AttemptHandle::terminate(KillReason reason) {
  if (!terminated_) terminated_ = reason;
  if (child_) child_->terminate(reason);
  if (give_up_) give_up_();
}

void AttemptHandle::kill() {
  const auto asked = [this](CancelReason reason) {
    return ((reasons_ >> static_cast<unsigned>(reason)) & 1U) != 0;
  };
  terminate(asked(CancelReason::timed_out)         ? KillReason::timed_out
            : asked(CancelReason::worker_shutdown) ? KillReason::worker_shutdown
            : reasons_ != 0                        ? KillReason::cancelled
                                                   : KillReason::by_operator);
}

std::optional<ipc::Heartbeat> AttemptHandle::take_heartbeat() {
  return child_ ? child_->take_heartbeat() : std::exchange(last_, std::nullopt);
}

std::uint64_t AttemptHandle::progress() const { return child_ ? child_->progress() : 0; }

ipc::Send Child::assign(v1::Start& start, AttemptHandle& handle, bool staged) {
  start.set_task(task_ + 1);
  cancel_.begin(task_ + 1);
  if (handle.reasons_ != 0) cancel_.add(handle.reasons_);
  forget_heartbeats();
  auto sent =
      staged ? channel_.send_staged(RecordType::start) : channel_.send(RecordType::start, start);
  if (sent == ipc::Send::corrupt) corrupt_ring_a();
  if (sent != ipc::Send::done) return sent;
  if (start.GetCachedSize() > static_cast<int>(ipc::kInlineLimit)) trim_later();
  ++task_;
  task_since_ = Clock::now();
  rings_at_assign_ = rings_;
  state_ = State::busy;
  activity_type_ = start.activity_type();
  memory_limit_ = handle.memory > 0 ? handle.memory : parts_.settings.memory;
  if (process_->made == 1) process_->output->forget_tail();
  attempt_ = &handle;
  handle.child_ = this;
  handle.pid_ = pid();
  handle.incarnation_ = incarnation();
  return sent;
}

void Child::forget_heartbeats() {
  heartbeats_.skip();
  beats_before_ = parts_.arena.heartbeat().page.sequence.load();
  heartbeat_wanted_ = false;
  heartbeat_bell_.awake();
}

// Leaves the channel asleep, so that the next message rings, or goes on in its next turn: a child that writes as fast as it is
// read must not keep the loop. A dead one left a ring's worth at most; what comes beyond that is from somebody it shared its memory
// with.
void Child::drain() {
  const auto most = channel_.received() + parts_.arena.ring_capacity();
  for (int taken = 0; !reading_; ++taken) {
    if (taken == kMessagesPerTurn && !dead_) return drain_later();
    if (dead_ && channel_.received() >= most) return;
    switch (channel_.receive()) {
      case Receive::message:
        balance_.earned();
        on_message();
        break;
      case Receive::none:
        channel_.about_to_sleep();
        if (!channel_.has_message()) return;
        break;
      case Receive::corrupt:
        return corrupt(std::string("ring B: ") + channel_.fault());
      case Receive::no_resources:
        break;  // a child's only: what comes up lies in a segment that is here already
    }
  }
}

void Child::drain_later() {
  if (std::exchange(draining_later_, true)) return;
  asio::post(rest_.get_executor(), [self = shared_from_this()] {
    self->draining_later_ = false;
    if (self->state_ != State::gone && !self->dead_) self->drain();
  });
}

void Child::on_message() {
  switch (channel_.type()) {
    case RecordType::ready:
      return on_ready_message();
    case RecordType::log:
      return on_log_message();
    case RecordType::metric:
      return on_metric_message();
    case RecordType::completed:
    case RecordType::failed:
    case RecordType::canceled:
    case RecordType::async:
      return on_answer_message();
    case RecordType::need_bulk:
      return on_need_bulk();
    case RecordType::pong:
      return on_pong_message();
    default:
      return;
  }
}

void Child::on_ready_message() {
  v1::Ready ready;
  if (!channel_.parse(ready)) return;
  if (was_ready_) return corrupt("ready twice");
  const bool of_its_build = parts_.fingerprint.empty() || ready.fingerprint() == parts_.fingerprint;
  if (ready.layout_version() != ipc::kLayoutVersion || !of_its_build) {
    log_.error("a child is not of its zygote's build", {{"child", ready.fingerprint()},
                                                        {"layout", ready.layout_version()},
                                                        {"zygote", parts_.fingerprint},
                                                        {"zygote_layout", ipc::kLayoutVersion}});
    return kill(KillReason::corrupt);
  }
  was_ready_ = true;
  objects_ = objects_in(ready.objects());
  thread_ = ready.thread();
  become_idle();
}

// Ready comes from the child, its pid from the zygote: either may be first, and who takes a task is asked for its pid.
void Child::become_idle() {
  if (!was_ready_ || pid() == 0) return;
  if (dead_ || state_ != State::starting)
    return;  // Ready was its last word, or it is told to go already
  state_ = State::idle;
  owner_.on_ready(*this);
}

void Child::on_log_message() {
  v1::Log line;
  if (!channel_.parse(line)) return;
  if (attempt_ && attempt_->on_log && line.task() == task_) return attempt_->on_log(line);
  auto fields = LogFields::parse(line.fields_json(), nullptr, false);
  if (!fields.is_object()) fields = LogFields::object();
  fields["pid"] = pid();
  auto level =
      static_cast<LogLevel>(std::clamp(line.level(), 0, static_cast<int>(LogLevel::error)));
  log_.write(level, line.message(), fields);
}

void Child::on_metric_message() {
  v1::Metric metric;
  if (channel_.parse(metric) && attempt_ && attempt_->on_metric && metric.task() == task_)
    attempt_->on_metric(metric);
}

ChildCounts Child::counts() const {
  const auto& status = parts_.arena.status();
  return {status.dropped_logs.load(), status.dropped_metrics.load(), terms_, kills_};
}

bool Child::is_answer(std::uint64_t task) {
  if (completion_ && task == task_) return true;
  log_.warn("a child answered for a task that is not in its hands",
            {{"pid", pid()}, {"task", task}});
  if (++strays_ > kStraysAllowed) corrupt("three stray answers");
  return false;
}

void Child::finish_task(Answer answer) {
  if (!completion_) return;
  keep_last_heartbeat();
  if (auto* attempt = std::exchange(attempt_, nullptr)) attempt->child_ = nullptr;
  process_->lifespan.task_done();
  const bool goes_on = state_ == State::busy && !dead_;
  if (goes_on) {
    judge_answer();
    state_ = State::idle;
    idle_since_ = Clock::now();
    at_rest_ = false;
  }
  completion_.complete(std::move(answer));
  if (goes_on) owner_.on_idle(*this);
}

void Child::keep_last_heartbeat() {
  ipc::Heartbeat beat;
  if (attempt_ && heartbeats_.read(beat) == ipc::HeartbeatReader::Read::newer)
    attempt_->last_ = std::move(beat);
}

std::optional<ipc::Heartbeat> Child::take_heartbeat() {
  ipc::Heartbeat beat;
  // The second look is after the bell was asked for: what came in between would not ring.
  for (int look = 0; look < 2; ++look) {
    switch (heartbeats_.read(beat)) {
      case ipc::HeartbeatReader::Read::newer:
        heartbeat_wanted_ = false;
        heartbeat_bell_.awake();
        return beat;
      case ipc::HeartbeatReader::Read::corrupt:
        corrupt("heartbeat slot: impossible sizes or sequence");
        return std::nullopt;
      case ipc::HeartbeatReader::Read::same:
      case ipc::HeartbeatReader::Read::busy:
        break;
    }
    if (!std::exchange(heartbeat_wanted_, true)) balance_.earned();
    heartbeat_bell_.about_to_sleep();
  }
  return std::nullopt;
}

void Child::look_for_heartbeat() {
  if (!heartbeat_wanted_ || !heartbeats_.fresh()) return;
  heartbeat_wanted_ = false;
  heartbeat_bell_.awake();
  if (attempt_ && attempt_->on_heartbeat) attempt_->on_heartbeat();
}

}  // namespace temporal::supervisor::children
