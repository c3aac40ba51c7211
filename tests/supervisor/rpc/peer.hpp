// SPDX-License-Identifier: MIT
// The other end of a gRPC connection, in this process: answers every method as the test says, or
// not at all.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace temporal::test {

struct Question {
  std::string method;
  std::map<std::string, std::string> metadata;
  std::string request;
};

struct Answer {
  grpc::Status status;
  std::string response;
  bool never = false;  // stay silent until the caller gives up
};

/// Thread rule: the function is called on gRPC's threads, one call at a time.
class Peer {
 public:
  explicit Peer(std::function<Answer(const Question&)> answer);
  ~Peer();

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  class Service;
  std::unique_ptr<Service> service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace temporal::test
