// SPDX-License-Identifier: MIT
// A Temporal server as far as a worker under load sees it, in a process of its own: what the worker costs shows apart from what a
// server does. It knows no rules of the real one.
//
//   load_peer QUEUE TYPE ARGUMENT OPEN SECONDS
//
// keeps OPEN runs of the workflow TYPE going on the task queue QUEUE, with ARGUMENT (JSON) as their only one; a run ends by its
// worker's command, and a new one takes its place. Prints JSON lines: the port where it listens; that the measured time begins,
// which is a second after the first run has ended; after SECONDS, what was done in them. From then on no run begins, and when all
// have ended, a line says so: then the worker can be stopped, and after it the peer, by the end of its standard input.
#include <google/protobuf/message_lite.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <iostream>
#include <limits>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "tests/bench/load_runs.hpp"

namespace temporal::bench {

namespace enums = api::enums::v1;
using google::protobuf::MessageLite;
using namespace std::chrono_literals;

[[noreturn]] void fail(const std::string& why) {
  std::cerr << "load_peer: " << why << std::endl;
  std::_Exit(1);
}

void say(const nlohmann::json& line) { std::cout << line.dump() << std::endl; }

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

class Peer;

/// One RPC. Thread rule: the peer's lock is held by who reads or answers it.
class Call final : public grpc::ServerGenericBidiReactor {
 public:
  Call(Peer& peer, std::string method) : peer_(peer), method_(std::move(method)) {
    StartRead(&received_);
  }
  void OnReadDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { delete this; }

  template <class Request>
  Request request() {
    Request request;
    if (!grpc::SerializationTraits<Request>::Deserialize(&received_, &request).ok())
      fail("a request of " + method_ + " cannot be read");
    return request;
  }
  template <class Response>
  void answer(const Response& response) {
    bool own = false;
    (void)grpc::SerializationTraits<Response>::Serialize(response, &sent_, &own);
    StartWriteAndFinish(&sent_, {}, grpc::Status::OK);
  }

  bool cancelled = false;

 private:
  Peer& peer_;
  const std::string method_;
  grpc::ByteBuffer received_;
  grpc::ByteBuffer sent_;
};

/// Tasks that wait for a poll, or polls that wait for a task.
template <class Task>
class Queue {
 public:
  void add(const Task& task) {
    if (polls_.empty()) return tasks_.push_back(task);
    auto* poll = polls_.front();
    polls_.pop_front();
    poll->answer(task);
  }
  void poll(Call& call) {
    if (call.cancelled) return call.Finish(grpc::Status::CANCELLED);
    if (tasks_.empty()) return polls_.push_back(&call);
    call.answer(tasks_.front());
    tasks_.pop_front();
  }
  void cancel(Call& call) {
    const auto found = std::ranges::find(polls_, &call);
    if (found == polls_.end()) return;
    polls_.erase(found);
    call.Finish(grpc::Status::CANCELLED);
  }

 private:
  std::deque<Task> tasks_;
  std::deque<Call*> polls_;
};

/// Thread rule: any thread.
class Peer : public grpc::CallbackGenericService {
 public:
  Peer(std::string task_queue, std::string type, nlohmann::json argument)
      : runs_(std::move(task_queue), std::move(type), std::move(argument),
              {.normal = [this](const auto& task) { normal_.add(task); },
               .sticky = [this](const auto& task) { sticky_.add(task); },
               .activities = [this](const auto& task) { activities_.add(task); }}) {}

  void begin_runs(int count) {
    const std::lock_guard lock(mutex_);
    for (int i = 0; i < count; ++i) runs_.begin();
  }
  void begin_no_more() {
    const std::lock_guard lock(mutex_);
    runs_.begin_no_more();
  }
  bool wait_until(bool (*reached)(const LoadRuns&)) {
    std::unique_lock lock(mutex_);
    return task_ended_.wait_for(lock, 60s, [&] { return reached(runs_); });
  }

  struct Counts {
    int ended = 0;
    std::map<std::string, int> rpcs;
  };
  Counts counts() {
    const std::lock_guard lock(mutex_);
    return {runs_.ended(), rpcs_};
  }

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Call(*this, context->method().substr(context->method().rfind('/') + 1));
  }
  void serve(Call& call, const std::string& rpc);
  void cancel(Call& call);

 private:
  std::mutex mutex_;
  std::condition_variable task_ended_;
  Queue<LoadRuns::WorkflowTask> normal_;
  Queue<LoadRuns::WorkflowTask> sticky_;
  Queue<LoadRuns::ActivityTask> activities_;
  LoadRuns runs_;
  std::map<std::string, int> rpcs_;
};

void Call::OnReadDone(bool ok) {
  if (!ok) return Finish(grpc::Status::CANCELLED);
  try {
    peer_.serve(*this, method_);
  } catch (const std::exception& error) {
    fail(method_ + ": " + error.what());
  }
}

void Call::OnCancel() { peer_.cancel(*this); }

void Peer::serve(Call& call, const std::string& rpc) {
  const std::lock_guard lock(mutex_);
  ++rpcs_[rpc];
  if (rpc == "PollWorkflowTaskQueue") {
    const auto kind = call.request<ws::PollWorkflowTaskQueueRequest>().task_queue().kind();
    (kind == enums::TASK_QUEUE_KIND_STICKY ? sticky_ : normal_).poll(call);
  } else if (rpc == "RespondWorkflowTaskCompleted") {
    call.answer(runs_.complete_task(call.request<ws::RespondWorkflowTaskCompletedRequest>()));
    task_ended_.notify_all();
  } else if (rpc == "PollActivityTaskQueue") {
    activities_.poll(call);
  } else if (rpc == "RespondActivityTaskCompleted") {
    runs_.complete_activity(call.request<ws::RespondActivityTaskCompletedRequest>());
    call.answer(ws::RespondActivityTaskCompletedResponse());
  } else if (rpc == "RecordActivityTaskHeartbeat") {
    call.answer(ws::RecordActivityTaskHeartbeatResponse());
  } else if (rpc == "GetSystemInfo") {
    ws::GetSystemInfoResponse response;
    response.set_server_version("load_peer");
    response.mutable_capabilities()->set_internal_error_differentiation(true);
    response.mutable_capabilities()->set_sdk_metadata(true);
    call.answer(response);
  } else if (rpc == "DescribeNamespace") {
    call.answer(ws::DescribeNamespaceResponse());
  } else if (rpc == "ShutdownWorker") {
    call.answer(ws::ShutdownWorkerResponse());
  } else {
    fail("the worker calls " + rpc + ", which is part of no load");
  }
}

void Peer::cancel(Call& call) {
  const std::lock_guard lock(mutex_);
  call.cancelled = true;
  normal_.cancel(call);
  sticky_.cancel(call);
  activities_.cancel(call);
}

nlohmann::json measured(Peer& peer, double seconds) {
  const auto before = peer.counts();
  const auto begun = std::chrono::steady_clock::now();
  const auto cpu = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  auto after = peer.counts();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
  for (const auto& [rpc, count] : before.rpcs) after.rpcs[rpc] -= count;
  std::erase_if(after.rpcs, [](const auto& rpc) { return rpc.second == 0; });
  return {{"workflows", after.ended - before.ended},
          {"rpcs", after.rpcs},
          {"seconds", taken.count()},
          {"peer_cpu_s", cpu_seconds() - cpu}};
}

int main(int argc, char** argv) {
  if (argc != 6) fail("usage: load_peer QUEUE TYPE ARGUMENT OPEN SECONDS");
  Peer peer(argv[1], argv[2], nlohmann::json::parse(argv[3]));
  peer.begin_runs(std::atoi(argv[4]));
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&peer);
  const auto server = builder.BuildAndStart();
  if (!server) fail("it cannot listen");
  say({{"port", port}});
  if (!peer.wait_until([](const LoadRuns& runs) { return runs.ended() > 0; }))
    fail("no run has ended in 60 s");
  std::this_thread::sleep_for(1s);  // what is made once is made then
  say({{"measuring", true}});
  say({{"done", measured(peer, std::atof(argv[5]))}});
  peer.begin_no_more();
  if (!peer.wait_until([](const LoadRuns& runs) { return runs.open() == 0; }))
    fail("runs are open after 60 s");
  say({{"idle", true}});
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}

}  // namespace temporal::bench

int main(int argc, char** argv) {
  try {
    return temporal::bench::main(argc, argv);
  } catch (const std::exception& error) {
    temporal::bench::fail(error.what());
  }
}
