// SPDX-License-Identifier: MIT
#include "supervisor/tasks/local_calls.hpp"

#include <utility>

#include "supervisor/tasks/local_call_parts.hpp"
#include "supervisor/workflow/machines/local_activity.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

LocalCalls::LocalCalls(LocalCallSettings settings, const Module& module, Executors executors)
    : settings_(std::move(settings)),
      module_(module),
      executors_(executors),
      places_(settings_.core, settings_.places),
      inside_(settings_.core),
      waiting_(settings_.core) {}

void LocalCalls::notify_shutdown() {
  notice_ = true;
  for (auto* attempt : attempts_) attempt->notify_shutdown();
}

void LocalCalls::stop() {
  stopped_ = true;
  for (auto* inbox : inboxes_) {
    inbox->closed = true;
    inbox->alarm.ring();
  }
  for (auto* call : calls_) call->stop();
}

asio::awaitable<void> LocalCalls::drained() {
  while (waiting_.inside() > 0 || inside_.inside() > 0) {
    co_await waiting_.empty();
    co_await inside_.empty();
  }
}

void LocalCalls::terminate_all() {
  for (auto* attempt : attempts_) attempt->terminate();
}

void LocalCalls::log(LogLevel level, const char* what, const Owner& owner,
                     const engine::LocalCall& call, int attempt, const std::string& failure) {
  settings_.log.write(level, what,
                      {{"activity_type", call.activity_type},
                       {"activity_id", call.activity_id},
                       {"workflow_type", owner.workflow_type},
                       {"workflow_id", owner.workflow_id},
                       {"run_id", owner.run_id},
                       {"attempt", attempt},
                       {"failure", failure}});
}

LocalCalls::Run::Run(LocalCalls& all, Owner owner)
    : all_(all),
      owner_(std::make_shared<const Owner>(std::move(owner))),
      inbox_(std::make_shared<Inbox>(all.settings_.core)),
      here_(all.inboxes_.insert(all.inboxes_.end(), inbox_.get())),
      pass_(all.waiting_.enter()) {
  inbox_->closed = all.stopped_;
}

LocalCalls::Run::~Run() {
  all_.inboxes_.erase(here_);
  inbox_->closed = true;
  for (const auto& [seq, call] : calls_)
    if (auto running = call.lock()) running->cancel(CancelReason::gone);
}

void LocalCalls::Run::start(std::vector<engine::LocalCall> calls) {
  for (auto& call : calls) {
    if (call.cancelled) {
      inbox_->ends.push_back(engine::cancelled_result(call));
      continue;
    }
    const auto seq = call.seq;
    auto running = std::make_shared<Call>(all_, owner_, std::move(call), inbox_);
    calls_.insert_or_assign(seq, running);
    if (all_.stopped_) continue;
    running->start();
  }
}

void LocalCalls::Run::cancel(const std::vector<engine::LocalCancel>& cancels) {
  for (const auto& cancel : cancels) {
    const auto found = calls_.find(cancel.seq);
    if (found == calls_.end()) continue;
    const auto call = found->second.lock();
    if (!cancel.wanted) calls_.erase(found);
    if (!call) continue;
    if (!cancel.wanted) call->leave();
    if (cancel.ask) call->cancel(CancelReason::requested);
  }
}

void LocalCalls::Run::renewed() { inbox_->renewed = true; }

asio::awaitable<LocalCalls::Run::Next> LocalCalls::Run::next(
    std::chrono::steady_clock::time_point until) {
  while (inbox_->ends.empty() && !inbox_->closed && std::chrono::steady_clock::now() < until)
    co_await inbox_->alarm.wait_until(until);
  Next next;
  if (inbox_->closed) {
    next.stopped = true;
  } else if (!inbox_->ends.empty()) {
    next.result = std::move(inbox_->ends.front());
    inbox_->ends.pop_front();
    calls_.erase(next.result->seq);
  }
  co_return next;
}

int LocalCalls::Run::take_retries() { return std::exchange(inbox_->retries, 0); }

}  // namespace temporal::supervisor
