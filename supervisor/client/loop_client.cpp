// SPDX-License-Identifier: MIT
#include "supervisor/client/loop_client.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "supervisor/client/message_calls.hpp"
#include "supervisor/threads/meeting.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace {

// One call on its way to the core loop and back.
template <class T>
struct Crossing {
  explicit Crossing(const asio::any_io_executor& loop) : meeting(loop) {}

  Meeting meeting;                 // the coroutine's loop
  asio::cancellation_signal stop;  // core loop
  std::optional<T> result;         // written there, read here after the meeting
  std::exception_ptr error;
};

// A cancellation of the awaiting coroutine reaches the call; what the call then throws is thrown.
template <class T>
asio::awaitable<T> on_core(asio::any_io_executor core, asio::awaitable<T> call) {
  const auto loop = co_await asio::this_coro::executor;
  auto crossing = std::make_shared<Crossing<T>>(loop);
  // The awaitable is made here and awaited there, once.
  auto carried = std::make_shared<asio::awaitable<T>>(std::move(call));
  asio::post(core, [core, loop, crossing, carried] {
    auto ended = [loop, crossing](std::exception_ptr error, T result) {
      crossing->error = std::move(error);
      crossing->result.emplace(std::move(result));
      asio::post(loop, [crossing] { crossing->meeting.over(); });
    };
    asio::co_spawn(core, std::move(*carried),
                   asio::bind_cancellation_slot(crossing->stop.slot(), std::move(ended)));
  });
  std::function<void()> on_cancel = [core, crossing] {
    asio::post(core, [crossing] { crossing->stop.emit(asio::cancellation_type::terminal); });
  };
  co_await crossing->meeting.wait(std::move(on_cancel));
  if (crossing->error) std::rethrow_exception(crossing->error);
  co_return std::move(*crossing->result);
}

// A handle's run is the one that it started: whichever run of its chain is the newest is talked to.
detail::Target newest_of(detail::ExecutionId execution) {
  return {std::move(execution.workflow_id), {}, std::move(execution.run_id)};
}

struct Done {};

asio::awaitable<Done> done(asio::awaitable<void> call) {
  co_await std::move(call);
  co_return Done{};
}

asio::awaitable<void> void_on_core(asio::any_io_executor core, asio::awaitable<void> call) {
  co_await on_core(std::move(core), done(std::move(call)));
}

}  // namespace

asio::awaitable<detail::ExecutionId> LoopClient::start(std::string_view type,
                                                       const StartOptions& options,
                                                       Payloads arguments) {
  auto request = start_request(caller_, type, options, arguments);
  return on_core(core_, start_workflow(caller_, std::move(request)));
}

asio::awaitable<Payload> LoopClient::result(detail::ExecutionId execution) {
  return on_core(core_, workflow_result(caller_, std::move(execution)));
}

asio::awaitable<void> LoopClient::signal(detail::ExecutionId execution, std::string_view name,
                                         Payloads arguments) {
  return void_on_core(core_, signal_workflow(caller_, {newest_of(std::move(execution)),
                                                       std::string(name), std::move(arguments)}));
}

asio::awaitable<void> LoopClient::cancel(detail::ExecutionId execution) {
  return void_on_core(core_, cancel_workflow(caller_, newest_of(std::move(execution)), {}));
}

}  // namespace temporal::supervisor
