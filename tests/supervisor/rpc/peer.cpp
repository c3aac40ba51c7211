// SPDX-License-Identifier: MIT
#include "tests/supervisor/rpc/peer.hpp"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <mutex>
#include <vector>

namespace temporal::test {

namespace {

grpc::ByteBuffer to_buffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string from_buffer(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const auto& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

}  // namespace

class Peer::Service : public grpc::CallbackGenericService {
 public:
  explicit Service(std::function<Answer(const Question&)> answer) : answer_(std::move(answer)) {}

  Answer answer(const Question& question) {
    const std::lock_guard lock(mutex_);
    return answer_(question);
  }

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Reactor(*this, context);
  }

 private:
  // OnReadDone and OnCancel come from different threads; a silent call is finished by whichever is
  // second.
  class Reactor : public grpc::ServerGenericBidiReactor {
   public:
    Reactor(Service& service, grpc::GenericCallbackServerContext* context)
        : service_(service), context_(context) {
      StartRead(&request_);
    }
    void OnReadDone(bool ok) override {
      if (!ok) return Finish(grpc::Status::CANCELLED);
      Question question{context_->method(), {}, from_buffer(request_)};
      for (const auto& [name, value] : context_->client_metadata())
        question.metadata[{name.data(), name.size()}] = {value.data(), value.size()};
      const auto answer = service_.answer(question);
      if (answer.never) return second();
      if (!answer.status.ok()) return Finish(answer.status);
      response_ = to_buffer(answer.response);
      StartWriteAndFinish(&response_, {}, answer.status);
    }
    void OnCancel() override { second(); }
    void OnDone() override { delete this; }

   private:
    void second() {
      if (parts_.fetch_add(1) == 1) Finish(grpc::Status::CANCELLED);
    }
    Service& service_;
    grpc::GenericCallbackServerContext* context_;
    grpc::ByteBuffer request_;
    grpc::ByteBuffer response_;
    std::atomic<int> parts_{0};
  };

  std::mutex mutex_;
  std::function<Answer(const Question&)> answer_;
};

Peer::Peer(std::function<Answer(const Question&)> answer)
    : service_(std::make_unique<Service>(std::move(answer))) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.SetMaxReceiveMessageSize(8 << 20);
  builder.RegisterCallbackGenericService(service_.get());
  server_ = builder.BuildAndStart();
}

Peer::~Peer() { server_->Shutdown(std::chrono::system_clock::now()); }

}  // namespace temporal::test
