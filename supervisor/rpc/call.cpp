// SPDX-License-Identifier: MIT
#include "supervisor/rpc/call.hpp"

#include <grpc/support/time.h>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "supervisor/rpc/channels.hpp"

namespace temporal::supervisor {

namespace asio = boost::asio;
using google::protobuf::MessageLite;

namespace {

CallResult result_of(const grpc::Status& status) {
  return {static_cast<RpcCode>(status.error_code()), status.error_message(),
          status.error_details()};
}

std::shared_ptr<Flight> prepare(const Connection::Channels& channels, const CallOptions& options) {
  auto flight = std::make_shared<Flight>();
  for (const auto& [name, value] : channels.metadata) flight->context.AddMetadata(name, value);
  if (!options.name_space.empty())
    flight->context.AddMetadata("temporal-namespace", options.name_space);
  flight->context.set_deadline(gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(options.deadline.count(), GPR_TIMESPAN)));
  return flight;
}

// What goes through gRPC and comes back by post(). The flight is in it because a gRPC thread must never be the last to let go
// of a ClientContext: with it goes the channel, and with the last channel gRPC joins its threads, this one too.
template <class Handler>
struct Passenger {
  Handler handler;
  asio::executor_work_guard<asio::associated_executor_t<Handler>> work;
  std::shared_ptr<Flight> flight;
};

template <class Handler>
void launch(Handler handler, const std::shared_ptr<Connection::Channels>& channels,
            const CallOptions& options, const MessageLite& request, MessageLite& response,
            const std::shared_ptr<Flight>& flight) {
  auto slot = asio::get_associated_cancellation_slot(handler);
  if (slot.is_connected()) {
    slot.assign([flight](asio::cancellation_type) {
      flight->cancelled = true;
      flight->context.TryCancel();
    });
  }
  auto executor = asio::get_associated_executor(handler);
  // Shared, because std::function wants to copy its target and a handler cannot be copied.
  auto passenger = std::make_shared<Passenger<Handler>>(
      Passenger<Handler>{std::move(handler), asio::make_work_guard(executor), flight});
  channels->flights.insert(flight);
  auto& stub = options.lane == Lane::unary ? channels->unary : channels->long_poll;
  auto& context = flight->context;
  std::weak_ptr<Connection::Channels> weak = channels;
  stub.UnaryCall(
      &context, options.method, {}, &request, &response,
      [slot, executor, passenger, weak, landed = flight->landed](const grpc::Status& status) {
        asio::post(executor, [slot, weak, result = result_of(status),
                              passenger = std::move(*passenger)]() mutable {
          slot.clear();
          if (auto channels = weak.lock()) channels->flights.erase(passenger.flight);
          passenger.handler(std::move(result));
        });
        landed->store(true);
        landed->notify_all();
      });
}

}  // namespace

asio::awaitable<CallResult> call(Connection& connection, const CallOptions& options,
                                 const MessageLite& request, MessageLite& response) {
  if (!is_printable_ascii(options.name_space)) {
    co_return CallResult{RpcCode::invalid_argument,
                         "the namespace \"" + options.name_space + "\" is not printable ASCII",
                         {}};
  }
  auto flight = prepare(*connection.channels(), options);
  auto start = [&](auto handler) {
    launch(std::move(handler), connection.channels(), options, request, response, flight);
  };
  auto result = co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(CallResult)>(
      start, asio::use_awaitable);
  // A reply that was faster than the cancellation counts: a poll's would be lost with its task.
  if (flight->cancelled && !result.ok())
    throw boost::system::system_error(asio::error::operation_aborted);
  co_return result;
}

}  // namespace temporal::supervisor
