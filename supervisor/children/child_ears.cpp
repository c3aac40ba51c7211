// SPDX-License-Identifier: MIT
// How a child and the supervisor hear of each other, and what is done about a child that is deaf, mute, or rings for nothing.
#include "shared/ipc/doorbell.hpp"
#include "shared/ipc/ring.hpp"
#include "supervisor/children/child.hpp"

namespace temporal::supervisor::children {
namespace {

namespace v1 = temporal::child::v1;

constexpr auto kRest = std::chrono::milliseconds(10);
// One answer without its ring is chance: its child was stopped in between, or had no core.
constexpr int kMuteAnswersAllowed = 2;

}  // namespace

void Child::on_ring() {
  if (state_ == State::gone) return;
  balance_.rung(1);
  hear();
}

void Child::hear() {
  channel_.awake();
  look_for_heartbeat();
  drain();
  if (state_ == State::gone) return;
  const std::uint32_t most = parts_.arena.ring_capacity() / ipc::kRecordAlignment;
  switch (balance_.judge(channel_.has_message() ? most : 0)) {
    case RingBalance::Verdict::fair:
      return;
    case RingBalance::Verdict::hasty:
      return rest_from_bell();
    case RingBalance::Verdict::storm:
      leave_bell();
      return corrupt("a doorbell storm");
  }
}

void Child::close_bell() {
  leave_bell();
  parts_.supervisor_bell.reset();
}

// Who wakes the loop for nothing is listened to less often, and meanwhile each of its rings counts: while it is heard, those that come
// together are one.
void Child::rest_from_bell() {
  parts_.ears->mute(bell(), incarnation());
  (void)ipc::count_rings(bell());
  resting_ = true;
  rest_.expires_after(kRest);
  rest_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (error || self->state_ == State::gone) return;
    const auto rings = ipc::count_rings(self->bell());
    self->rings_ += rings;
    self->balance_.rung(rings);
    self->resting_ = false;
    self->parts_.ears->unmute(self->bell(), self->incarnation());
    self->hear();
  });
}

// The ring may have been made and not been heard yet.
void Child::judge_answer() {
  if (rings_ == rings_at_assign_) parts_.ears->ask();
  const bool rang = resting_ || rings_ != rings_at_assign_;
  mute_answers_ = rang ? 0 : mute_answers_ + 1;
}

std::string_view Child::outlived(Clock::time_point now) const {
  if (mute_answers_ > kMuteAnswersAllowed) return "doorbell";
  if (!process_->left_for.empty()) return process_->left_for;
  return process_->lifespan.over(now, pid());
}

// A task that was sent and taken proves that a child hears; one that stays idle after its task is asked, once.
void Child::look_whether_it_hears(Clock::time_point now) {
  bool unheard = !channel_.all_taken();
  if (state_ == State::idle && !at_rest_) {
    if (pings_ == pongs_ && now - idle_since_ >= parts_.settings.ping_after) {
      v1::Ping ping;
      ping.set_number(pings_ + 1);
      const auto sent = channel_.send(ipc::RecordType::ping, ping);
      if (sent == ipc::Send::corrupt) return corrupt_ring_a();
      if (sent == ipc::Send::done) ++pings_;
    }
    unheard = unheard || pings_ != pongs_;
  }
  if (!unheard) return hearing_.heard();
  if (!hearing_.unheard(look_at(pid(), thread_), now)) return;
  log_.error("a child does not take what is sent to it and is killed", {{"pid", pid()}});
  kill(KillReason::lost);
}

void Child::on_pong_message() {
  v1::Pong pong;
  if (!channel_.parse(pong) || pong.number() != pings_) return;
  pongs_ = pings_;
  at_rest_ = true;
}

}  // namespace temporal::supervisor::children
