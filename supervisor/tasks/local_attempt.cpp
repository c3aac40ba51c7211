// SPDX-License-Identifier: MIT
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "shared/failure_proto.hpp"
#include "supervisor/activity/graces.hpp"
#include "supervisor/tasks/local_call_parts.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

LocalCalls::Attempt::Attempt(LocalCalls& all, Permit place, Alarm& ended)
    : all_(all),
      here_(all.attempts_.insert(all.attempts_.end(), this)),
      place_(std::move(place)),
      call_ended_(&ended),
      grace_(all.settings_.core) {}

LocalCalls::Attempt::~Attempt() { all_.attempts_.erase(here_); }

void LocalCalls::Attempt::start(Executor& executor, ActivityTask task,
                                std::shared_ptr<UserMetrics> metrics,
                                const ActivityLimits& limits) {
  limits_ = limits;
  Link link{.started =
                [this](Execution& execution) {
                  execution_ = &execution;
                  if (all_.notice_) execution.notify_shutdown();
                  if (cancelled_) execution.cancel(*cancelled_);
                },
            // There is nobody to send it to.
            .heartbeat = [] {},
            .metrics = std::move(metrics),
            .local = true,
            .term_grace = limits.term_grace,
            .memory = limits.memory};
  asio::co_spawn(all_.settings_.core,
                 run(shared_from_this(), executor, std::move(task), std::move(link)),
                 asio::detached);
}

asio::awaitable<void> LocalCalls::Attempt::run(std::shared_ptr<Attempt>, Executor& executor,
                                               ActivityTask task, Link link) {
  const auto pass = all_.inside_.enter();
  Ending ending;
  try {
    ending = co_await executor.run(task, std::move(link));
  } catch (...) {
    Threw threw;
    to_failure_proto(std::current_exception(), &threw.failure);
    ending.how = std::move(threw);
  }
  execution_ = nullptr;
  grace_.cancel();
  ending_ = std::move(ending);
  place_.release();
  if (call_ended_) call_ended_->ring();
}

void LocalCalls::Attempt::cancel(CancelReason reason) {
  if (cancelled_ || ending_) return;
  cancelled_ = reason;
  if (execution_) execution_->cancel(reason);
  if (reason == CancelReason::worker_shutdown) return;  // the stop has steps of its own
  const auto& standard = all_.settings_;
  const auto grace = reason == CancelReason::timed_out
                         ? grace_of(limits_.timeout_grace, standard.timeout_grace)
                         : grace_of(limits_.cancel_grace, standard.cancel_grace);
  if (!grace) return;
  grace_.expires_after(*grace);
  grace_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->terminate();
  });
}

void LocalCalls::Attempt::notify_shutdown() {
  if (execution_) execution_->notify_shutdown();
}

void LocalCalls::Attempt::terminate() {
  if (execution_) execution_->terminate();
}

}  // namespace temporal::supervisor
