// SPDX-License-Identifier: MIT
#include "supervisor/activity/loop_executor.hpp"

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <stdexcept>
#include <string>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "supervisor/activity/info.hpp"
#include "supervisor/wakeup.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace {

// One running coroutine. Its two halves live on two threads: atomics are read by both, all else is
// said beside it.
class OnLoop final : public activity::detail::ContextBackend,
                     public Execution,
                     public std::enable_shared_from_this<OnLoop> {
 public:
  OnLoop(asio::any_io_executor core, asio::any_io_executor loop, const ActivityTask& task,
         const std::string& task_queue, Logger& log, std::function<void()> heartbeat)
      : core_(core),
        loop_(std::move(loop)),
        info_(info_of(task, task_queue)),
        last_heartbeat_(from_proto(task.heartbeat_details())),
        log_(log),
        heartbeat_(std::move(heartbeat)),
        over_(std::move(core)) {}

  // --- the loop thread ---
  const activity::Info& info() const override { return info_; }
  const Payloads& last_heartbeat() const override { return last_heartbeat_; }
  bool worker_shutdown() const noexcept override { return shutdown_; }
  Logger& log() override { return log_; }
  std::optional<CancelReason> cancel_reason() const noexcept override {
    const int reason = reason_;
    return reason < 0 ? std::nullopt : std::optional(static_cast<CancelReason>(reason));
  }
  bool wait_cancelled(Duration) override {
    throw std::logic_error(
        "wait_cancelled() would block the event loop: in a coroutine activity co_await a timer and "
        "look at cancelled(), or make the activity a plain function");
  }
  void heartbeat(std::string_view encoding, std::string_view details) override {
    api::common::v1::Payloads payloads;
    if (!encoding.empty()) {
      auto* payload = payloads.add_payloads();
      (*payload->mutable_metadata())["encoding"] = std::string(encoding);
      payload->set_data(std::string(details));
    }
    asio::post(core_, [self = shared_from_this(), payloads = std::move(payloads)]() mutable {
      self->newest_ = std::move(payloads);
      if (!self->ending_) self->heartbeat_();
    });
  }

  // --- the core loop ---
  void cancel(CancelReason reason) override {
    int none = -1;
    if (!reason_.compare_exchange_strong(none, static_cast<int>(reason))) return;
    asio::post(loop_, [self = shared_from_this()] {
      self->stop_.emit(asio::cancellation_type::terminal);
    });
  }
  void notify_shutdown() override { shutdown_ = true; }
  void terminate() override {
  }  // a coroutine cannot be killed; the loop watchdog names one that hangs
  std::optional<api::common::v1::Payloads> take_heartbeat() override {
    return std::exchange(newest_, std::nullopt);
  }

  asio::awaitable<Ending> run(const detail::ActivityDefinition& activity, Payloads input) {
    asio::co_spawn(
        loop_, call(activity, std::move(input)),
        asio::bind_cancellation_slot(
            stop_.slot(), [self = shared_from_this()](std::exception_ptr error, Payload result) {
              auto ending = self->ending_of(error, result);
              asio::post(self->core_, [self, ending = std::move(ending)]() mutable {
                self->ending_ = std::move(ending);
                self->over_.notify();
              });
            }));
    while (!ending_) co_await over_.wait();
    ending_->last_heartbeat = take_heartbeat();
    co_return std::move(*ending_);
  }

 private:
  asio::awaitable<Payload> call(const detail::ActivityDefinition& activity, Payloads input) {
    auto self = shared_from_this();
    activity::Context context(*self);
    co_return co_await activity.call_on_loop(context, std::move(input));
  }

  Ending ending_of(const std::exception_ptr& error, const Payload& result) const {
    if (!error) {
      Returned returned;
      to_proto(result, returned.result.add_payloads());
      return {std::move(returned)};
    }
    try {
      std::rethrow_exception(error);
    } catch (const CompleteAsync&) {
      return {CompletesLater{}};
    } catch (const Cancelled& cancelled) {
      ThrewCancelled threw;
      to_proto(cancelled.details(), &threw.details);
      return {std::move(threw)};
    } catch (const boost::system::system_error& aborted) {
      // How Asio's operations say that their coroutine was cancelled.
      if (aborted.code() == asio::error::operation_aborted && cancel_reason())
        return {ThrewCancelled{}};
    } catch (...) {
    }
    Threw threw;
    to_failure_proto(error, &threw.failure);
    return {std::move(threw)};
  }

  asio::any_io_executor core_;
  asio::any_io_executor loop_;
  activity::Info info_;      // constant
  Payloads last_heartbeat_;  // constant
  Logger& log_;
  std::atomic<int> reason_ = -1;
  std::atomic<bool> shutdown_ = false;
  asio::cancellation_signal stop_;  // loop thread

  // Core loop.
  std::function<void()> heartbeat_;
  std::optional<api::common::v1::Payloads> newest_;
  std::optional<Ending> ending_;
  Wakeup over_;
};

}  // namespace

asio::awaitable<Ending> LoopExecutor::run(const ActivityTask& task, Link link) {
  const auto& activity = module_.activities().at(task.activity_type().name());
  auto running = std::make_shared<OnLoop>(co_await asio::this_coro::executor, loops_.next(), task,
                                          task_queue_, log_, std::move(link.heartbeat));
  link.started(*running);
  co_return co_await running->run(activity, from_proto(task.input()));
}

}  // namespace temporal::supervisor
