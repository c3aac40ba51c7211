// SPDX-License-Identifier: MIT
#include "supervisor/activity/offload.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "supervisor/activity/local_execution.hpp"
#include "supervisor/threads/meeting.hpp"
#include "supervisor/threads/task_executor.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace {

std::exception_ptr thrown_by(const Ending& ending, std::optional<CancelReason> reason) {
  if (const auto* threw = std::get_if<Threw>(&ending.how)) return exception_from(threw->failure);
  if (const auto* stopped = std::get_if<ThrewCancelled>(&ending.how))
    return std::make_exception_ptr(Cancelled("cancelled", from_proto(stopped->details),
                                             reason.value_or(CancelReason::requested)));
  return std::make_exception_ptr(CompleteAsync());
}

}  // namespace

// One function on its way through a child. Made and ended on the loop, run on the core loop.
class LoopOffload::Call final : public std::enable_shared_from_this<Call> {
 public:
  /// `with_context`: it beats and measures as the attempt does.
  Call(asio::any_io_executor loop, child::v1::Start start, std::shared_ptr<LocalExecution> attempt,
       bool with_context)
      : meeting(loop),
        loop_(std::move(loop)),
        start_(std::move(start)),
        attempt_(std::move(attempt)),
        with_context_(with_context) {}

  // --- the core loop ---
  asio::awaitable<void> run(ChildExecutor& children) {
    auto self = shared_from_this();
    Link link{.started =
                  [this](Execution& execution) {
                    execution_ = &execution;
                    attempt_->hand_over(execution);
                    if (cancelled_) cancel();
                  },
              .heartbeat =
                  [this] {
                    if (with_context_) attempt_->beat();
                  },
              .metrics = with_context_ ? attempt_->measured() : nullptr};
    try {
      ending_ = co_await children.run_offloaded(std::move(start_), std::move(link));
    } catch (...) {
      Threw threw;
      to_failure_proto(std::current_exception(), &threw.failure);
      ending_.how = std::move(threw);
    }
    if (execution_) attempt_->take_back(*execution_, std::move(ending_.last_heartbeat));
    execution_ = nullptr;
    asio::post(loop_, [self] { self->meeting.over(); });
  }
  void cancel() {
    cancelled_ = true;
    if (execution_) execution_->cancel(attempt_->cancel_reason().value_or(CancelReason::requested));
  }

  // --- the loop, once it is over ---
  Payload result() {
    if (auto* returned = std::get_if<Returned>(&ending_.how))
      return std::move(from_proto(returned->result).front());
    std::rethrow_exception(thrown_by(ending_, attempt_->cancel_reason()));
  }

  Meeting meeting;  // loop

 private:
  asio::any_io_executor loop_;
  child::v1::Start start_;
  std::shared_ptr<LocalExecution> attempt_;
  bool with_context_;

  // Core loop, until it is over.
  Execution* execution_ = nullptr;
  bool cancelled_ = false;
  Ending ending_;
};

LoopOffload::LoopOffload(asio::any_io_executor core, ChildExecutor* children,
                         ActivityThreads& threads)
    : core_(std::move(core)), children_(children), threads_(threads) {}

asio::awaitable<Payload> LoopOffload::in_child(activity::Context* context, std::string function,
                                               Payloads arguments) {
  if (!children_)
    throw std::logic_error("this worker has no children to hand over to; see --offload-children");
  child::v1::Start start;
  std::shared_ptr<LocalExecution> attempt;
  if (context) {
    auto* local = dynamic_cast<LocalExecution*>(&backend_of(*context));
    if (!local) throw std::logic_error("in_child() takes the Context of this coroutine activity");
    attempt = local->shared_from_this();
    start = attempt->start();
  } else {
    // Its timeout and the worker's stop must reach the child, whether that asks for them or not.
    attempt = LocalExecution::of_this_step();
    if (!attempt) throw std::logic_error("in_child() is for a coroutine activity that still runs");
    start.set_activity_type(function);
    start.set_attempt(1);
  }
  start.set_function(function);
  start.clear_input();
  for (const auto& argument : arguments) to_proto(argument, start.mutable_input()->add_payloads());

  auto loop = co_await asio::this_coro::executor;
  auto call =
      std::make_shared<Call>(loop, std::move(start), std::move(attempt), context != nullptr);
  asio::post(core_, [call, core = core_, children = children_] {
    asio::co_spawn(core, call->run(*children), [](const std::exception_ptr&) {});
  });
  std::function<void()> on_cancel = [call, core = core_] {
    asio::post(core, [call] { call->cancel(); });
  };
  co_await call->meeting.wait(std::move(on_cancel));
  co_return call->result();
}

asio::awaitable<void> LoopOffload::to_thread(std::function<void()> work) {
  auto loop = co_await asio::this_coro::executor;
  auto meeting = std::make_shared<Meeting>(loop);
  const auto* steps = loop.target<TaskExecutor>();
  auto task = steps ? steps->task() : nullptr;
  std::function<void()> job = [work = std::move(work), task = std::move(task), meeting,
                               loop]() mutable {
    std::optional<CurrentTask> step;
    if (task) step.emplace(*task);
    work();
    step.reset();
    asio::post(loop, [meeting = std::move(meeting)] { meeting->over(); });
  };
  threads_.submit(std::move(job));
  co_await meeting->wait(nullptr);
}

}  // namespace temporal::supervisor
