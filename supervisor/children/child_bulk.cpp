// SPDX-License-Identifier: MIT
// A child's answers, and the segments for what is too large for a record: making one, and copying out of one, is done beside the
// core loop. Nothing else touches the channel's segments meanwhile.
#include <boost/asio/post.hpp>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "supervisor/children/child.hpp"

namespace temporal::supervisor::children {
namespace {

namespace asio = boost::asio;
namespace v1 = temporal::child::v1;
using ipc::RecordType;

// How a function that was refused memory fails. What it holds by then, and in how many pieces, nobody knows.
constexpr std::string_view kOutOfMemory = "std::bad_alloc";

template <class Message>
bool says_out_of_memory(const Message& message) {
  if constexpr (std::is_same_v<Message, v1::Failed>)
    return message.failure().application_failure_info().type() == kOutOfMemory;
  return false;
}

Answer answer_of(v1::Completed& message) {
  return {message.has_result() ? Completed{std::move(*message.mutable_result())} : Completed{}};
}
Answer answer_of(v1::Failed& message) { return {Failed{std::move(*message.mutable_failure())}}; }
Answer answer_of(v1::Canceled& message) {
  return {Canceled{std::move(*message.mutable_details())}};
}
Answer answer_of(v1::Async&) { return {Async{}}; }

}  // namespace

void Child::begin_staging(v1::Start& start, AttemptHandle& handle) {
  start.set_task(task_ + 1);
  forget_heartbeats();
  state_ = State::busy;
  attempt_ = &handle;
  handle.child_ = this;
}

void Child::end_staging() {
  if (auto* attempt = std::exchange(attempt_, nullptr)) attempt->child_ = nullptr;
  if (state_ == State::busy) state_ = State::idle;
}

void Child::on_answer_message() {
  if (channel_.type() == RecordType::completed) return take_answer<v1::Completed>();
  if (channel_.type() == RecordType::failed) return take_answer<v1::Failed>();
  if (channel_.type() == RecordType::canceled) return take_answer<v1::Canceled>();
  take_answer<v1::Async>();
}

template <class Message>
void Child::take_answer() {
  const auto size = channel_.bytes().size();
  if (size > ipc::kInlineLimit) trim_later();
  if (size <= kBesideTheLoop) {
    Message message;
    return on_read(channel_.read(message), message);
  }
  reading_ = true;
  asio::post(owner_.beside_the_loop(),
             [self = shared_from_this(), core = rest_.get_executor()]() mutable {
               auto message = std::make_unique<Message>();
               const auto parsed = self->channel_.read(*message);
               // With the last hold on the child: it must not end on this thread.
               asio::post(core, [self = std::move(self), parsed, message = std::move(message)] {
                 self->reading_ = false;
                 if (self->state_ == State::gone) return;
                 self->on_read(parsed, *message);
                 self->drain();
                 if (self->dead_ && self->reported_) self->finish();
               });
             });
}

template <class Message>
void Child::on_read(ipc::Parsed parsed, Message& message) {
  switch (parsed) {
    case ipc::Parsed::done:
      if (!is_answer(message.task())) return;
      if (says_out_of_memory(message)) process_->lifespan.ran_out_of_memory();
      if (message.worn()) process_->lifespan.wore_out();
      return finish_task(answer_of(message));
    case ipc::Parsed::corrupt:
      return channel_.refuse();  // and whoever drains it finds that
    case ipc::Parsed::no_resources:
      return finish_task(
          {Failed{failure_of("no memory to take the answer of this activity", kWorkerResources)}});
  }
}

// It waits, with a task in hand, and is told once: yes or no.
void Child::on_need_bulk() {
  if (dead_) return;
  if (!completion_ || making_) return corrupt("it asked for memory that no answer needs");
  std::uint64_t needed = 0;
  std::memcpy(&needed, channel_.bytes().data(), sizeof needed);
  making_ = true;
  asio::post(owner_.beside_the_loop(),
             [self = shared_from_this(), core = rest_.get_executor(), needed]() mutable {
               auto made = ipc::make_segment(ipc::Direction::up, needed);
               asio::post(core, [self = std::move(self), made = std::move(made)]() mutable {
                 self->making_ = false;
                 if (self->state_ == State::gone || self->dead_) return;
                 self->trim_later();
                 if (self->channel_.grant(std::move(made)) != ipc::Send::done)
                   self->corrupt("it asked for memory and does not read the answer");
               });
             });
}

void Child::trim_later() {
  bulk_used_ = Clock::now();
  if (!std::exchange(trimming_later_, true)) wait_to_trim();
}

void Child::wait_to_trim() {
  trim_timer_.expires_at(bulk_used_ + parts_.settings.bulk_idle);
  trim_timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (error || self->state_ == State::gone) return;
    const auto now = Clock::now();
    if (self->state_ != State::idle) self->bulk_used_ = now;  // its task may be about to use them
    if (now - self->bulk_used_ < self->parts_.settings.bulk_idle) return self->wait_to_trim();
    self->trimming_later_ = false;
    self->channel_.trim();
  });
}

}  // namespace temporal::supervisor::children
