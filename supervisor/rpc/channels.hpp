// SPDX-License-Identifier: MIT
// The inside of a Connection, for connection.cpp and call.cpp: what names gRPC's types.
#pragma once

#include <google/protobuf/message_lite.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <atomic>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include "supervisor/rpc/connection.hpp"
#include "supervisor/rpc/courier.hpp"

namespace temporal::supervisor {

/// Any request, any response: methods go by their names, and no generated stub is needed.
using Stub =
    grpc::TemplatedGenericStub<google::protobuf::MessageLite, google::protobuf::MessageLite>;

/// What gRPC and we hold together while a call runs.
struct Flight {
  grpc::ClientContext context;
  bool cancelled = false;  // by the awaiting coroutine; loop only
  // gRPC's last touch; outlives the rest.
  std::shared_ptr<std::atomic<bool>> landed = std::make_shared<std::atomic<bool>>(false);
};

struct Connection::Channels {
  ConnectionOptions options;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::shared_ptr<grpc::Channel> long_poll_channel;
  Stub unary;
  Stub long_poll;
  std::unordered_set<std::shared_ptr<Flight>> flights;
  Courier courier;
};

}  // namespace temporal::supervisor
