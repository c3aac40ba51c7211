// SPDX-License-Identifier: MIT
#include "supervisor/rpc/call.hpp"

#include <grpc/support/time.h>
#include <grpcpp/support/async_unary_call.h>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <limits>
#include <memory>
#include <utility>

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

// What goes through gRPC and comes back by post(), to be destroyed where it was made.
template <class Handler>
struct Passenger final : Courier::Parcel {
  using Reader = grpc::ClientAsyncResponseReader<MessageLite>;

  Passenger(Handler the_handler, const std::shared_ptr<Connection::Channels>& the_channels,
            const std::shared_ptr<Flight>& the_flight)
      : handler(std::move(the_handler)),
        work(asio::make_work_guard(asio::get_associated_executor(handler))),
        channels(the_channels),
        flight(the_flight) {}

  void land(bool well) override {
    if (!well && status.ok())  // gRPC says no more of a reply that is none
      status = grpc::Status(grpc::StatusCode::INTERNAL, "the reply could not be parsed");
    const auto landed = flight->landed;
    asio::post(work.get_executor(), [self = std::unique_ptr<Passenger>(this)]() mutable {
      asio::get_associated_cancellation_slot(self->handler).clear();
      if (auto channels = self->channels.lock()) channels->flights.erase(self->flight);
      auto handler = std::move(self->handler);
      auto result = result_of(self->status);
      self.reset();
      handler(std::move(result));
    });
    landed->store(true);
    landed->notify_all();
  }

  Handler handler;
  asio::executor_work_guard<asio::associated_executor_t<Handler>> work;
  std::weak_ptr<Connection::Channels> channels;
  std::shared_ptr<Flight> flight;
  grpc::Status status;
  std::unique_ptr<Reader> reader;  // in the flight's memory
};

template <class Handler>
void launch(Handler handler, const std::shared_ptr<Connection::Channels>& channels,
            const CallOptions& options, const MessageLite& request, MessageLite& response,
            const std::shared_ptr<Flight>& flight) {
  if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
    slot.assign([flight](asio::cancellation_type) {
      flight->cancelled = true;
      flight->context.TryCancel();
    });
  }
  auto passenger = std::make_unique<Passenger<Handler>>(std::move(handler), channels, flight);
  channels->flights.insert(flight);
  auto& stub = options.lane == Lane::unary ? channels->unary : channels->long_poll;
  passenger->reader =
      stub.PrepareUnaryCall(&flight->context, options.method, request, &channels->courier.queue());
  passenger->reader->StartCall();
  // It may have landed before this returns.
  auto& sent = *passenger.release();
  Courier::Parcel* const tag = &sent;
  sent.reader->Finish(&response, &sent.status, tag);
}

}  // namespace

asio::awaitable<CallResult> call(Connection& connection, const CallOptions& options,
                                 const MessageLite& request, MessageLite& response) {
  if (!is_printable_ascii(options.name_space)) {
    co_return CallResult{RpcCode::invalid_argument,
                         "the namespace \"" + options.name_space + "\" is not printable ASCII",
                         {}};
  }
  // gRPC ends the process.
  if (request.ByteSizeLong() > std::numeric_limits<int>::max()) {
    co_return CallResult{RpcCode::invalid_argument,
                         "the request has more than 2 GiB, which no message may have",
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
