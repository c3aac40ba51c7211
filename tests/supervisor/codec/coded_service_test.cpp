// SPDX-License-Identifier: MIT
// A worker's server behind a codec that may fail; the server is a fake one.
#include "supervisor/codec/coded_service.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "shared/payload_proto.hpp"
#include "tests/fake_server/fake_service.hpp"
#include "tests/fake_server/recording_log.hpp"
#include "tests/supervisor/rpc/run.hpp"

using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;
namespace asio = boost::asio;

namespace {

Payload plain(const std::string& text) {
  Payload payload;
  payload.data = text;
  return payload;
}

// Puts a letter around what it encodes, and refuses what is not its own.
class Letters final : public PayloadCodec {
 public:
  explicit Letters(char letter) : letter_(letter) {}
  Payloads encode(Payloads payloads) override {
    for (auto& payload : payloads) {
      if (payload.data.find("secret") != std::string::npos) throw std::runtime_error("no key");
      payload.data = letter_ + payload.data + letter_;
    }
    return payloads;
  }
  Payloads decode(Payloads payloads) override {
    for (auto& payload : payloads) {
      auto& data = payload.data;
      if (data.size() < 2 || data.front() != letter_) throw std::runtime_error("not mine");
      data = data.substr(1, data.size() - 2);
    }
    return payloads;
  }

 private:
  const char letter_;
};

struct Coded {
  explicit Coded(
      std::vector<std::shared_ptr<PayloadCodec>> codecs = {std::make_shared<Letters>('a')})
      : coder({std::move(codecs), false}, 2) {}
  asio::io_context loop{1};
  FakeService server{loop};
  RecordingLog log;
  Coder coder;
  CodedWorkerService service{server, coder, log};
};

ws::PollActivityTaskQueueResponse activity_task(const std::string& argument) {
  ws::PollActivityTaskQueueResponse task;
  task.set_task_token("token");
  to_proto(plain(argument), task.mutable_input()->add_payloads());
  return task;
}

ws::PollWorkflowTaskQueueResponse workflow_task(const std::string& argument, int attempt) {
  ws::PollWorkflowTaskQueueResponse task;
  task.set_task_token("token");
  task.set_attempt(attempt);
  to_proto(plain(argument), task.mutable_history()
                                ->add_events()
                                ->mutable_workflow_execution_started_event_attributes()
                                ->mutable_input()
                                ->add_payloads());
  return task;
}

ws::PollActivityTaskQueueRequest activity_poll() {
  ws::PollActivityTaskQueueRequest request;
  request.set_namespace_("shop");
  request.set_identity("1@host");
  return request;
}

}  // namespace

TEST_CASE("P006 of several codecs the last one added encodes first and decodes last") {
  Coded coded({std::make_shared<Letters>('a'), std::make_shared<Letters>('b')});
  coded.server.deliver(activity_task("abxba"));
  auto task = run(coded.loop, coded.service.poll_activity_task_queue(activity_poll()));
  CHECK(run(coded.loop, coded.service.open(task)));
  CHECK(task.input().payloads(0).data() == "x");
  ws::RespondActivityTaskCompletedRequest answer;
  answer.set_task_token("token");
  to_proto(plain("y"), answer.mutable_result()->add_payloads());
  run(coded.loop, coded.service.respond_activity_task_completed(std::move(answer)));
  REQUIRE(coded.server.completed.size() == 1);
  CHECK(coded.server.completed[0].result().payloads(0).data() == "abyba");
}

TEST_CASE("P007 an activity whose arguments cannot be decoded fails, and is not opened") {
  Coded coded;
  coded.server.deliver(activity_task("foreign"));
  auto task = run(coded.loop, coded.service.poll_activity_task_queue(activity_poll()));
  CHECK_FALSE(run(coded.loop, coded.service.open(task)));
  REQUIRE(coded.server.failed.size() == 1);
  const auto& failed = coded.server.failed[0];
  CHECK(failed.task_token() == "token");
  CHECK(failed.namespace_() == "shop");
  CHECK(failed.identity() == "1@host");
  CHECK(failed.failure().message() == "the payload codec failed while decoding: not mine");
  CHECK(failed.failure().application_failure_info().type() == "CodecError");
}

TEST_CASE("P007 a result that cannot be encoded becomes a failure of its activity") {
  Coded coded;
  ws::RespondActivityTaskCompletedRequest answer;
  answer.set_task_token("token");
  to_proto(plain("secret"), answer.mutable_result()->add_payloads());
  run(coded.loop, coded.service.respond_activity_task_completed(std::move(answer)));
  CHECK(coded.server.completed.empty());
  REQUIRE(coded.server.failed.size() == 1);
  CHECK(coded.server.failed[0].failure().message() ==
        "the payload codec failed while encoding: no key");
}

TEST_CASE(
    "P007 a workflow task whose history cannot be decoded fails once, and its later attempts time "
    "out") {
  Coded coded;
  for (int attempt : {1, 2, 3}) {
    coded.server.deliver(workflow_task("foreign", attempt));
    auto task = run(coded.loop, coded.service.poll_workflow_task_queue({}));
    CHECK_FALSE(run(coded.loop, coded.service.open(task)));
  }
  REQUIRE(coded.server.workflow_failed.size() == 1);
  CHECK(coded.server.workflow_failed[0].failure().message() ==
        "the payload codec failed while decoding: not mine");
}

TEST_CASE("P007 a question whose arguments cannot be decoded is answered with the reason") {
  Coded coded;
  auto task = workflow_task("foreign", 1);
  task.mutable_query()->set_query_type("total");
  coded.server.deliver(std::move(task));
  auto question = run(coded.loop, coded.service.poll_workflow_task_queue({}));
  CHECK_FALSE(run(coded.loop, coded.service.open(question)));
  REQUIRE(coded.server.queries.size() == 1);
  CHECK(coded.server.queries[0].error_message() ==
        "the payload codec failed while decoding: not mine");
}

TEST_CASE("P007 commands that cannot be encoded are not sent, and who sends them is told why") {
  Coded coded;
  ws::RespondWorkflowTaskCompletedRequest answer;
  to_proto(plain("secret"), answer.add_commands()
                                ->mutable_complete_workflow_execution_command_attributes()
                                ->mutable_result()
                                ->add_payloads());
  CHECK_THROWS_AS(run(coded.loop, coded.service.respond_workflow_task_completed(std::move(answer))),
                  EncodeError);
  CHECK(coded.server.workflow_completed.empty());
}

TEST_CASE(
    "P015 the loop goes on while codecs work, of which no more run at once than there are threads "
    "for") {
  struct Slow final : PayloadCodec {
    Payloads encode(Payloads payloads) override {
      std::unique_lock lock(mutex);
      most = std::max(most, ++inside);
      changed.notify_all();
      changed.wait(lock, [this] { return open; });
      --inside;
      return payloads;
    }
    Payloads decode(Payloads payloads) override { return payloads; }
    std::mutex mutex;
    std::condition_variable changed;
    int inside = 0, most = 0;
    bool open = false;
  };
  const auto slow = std::make_shared<Slow>();
  Coded coded({slow});
  int done = 0;
  for (int i = 0; i < 5; ++i) {
    ws::RespondActivityTaskCompletedRequest answer;
    to_proto(plain("y"), answer.mutable_result()->add_payloads());
    asio::co_spawn(coded.loop, coded.service.respond_activity_task_completed(std::move(answer)),
                   [&](const std::exception_ptr&, const auto&) { ++done; });
  }
  {
    std::unique_lock lock(slow->mutex);
    while (slow->inside < 2) {
      lock.unlock();
      coded.loop.poll();
      coded.loop.restart();
      lock.lock();
    }
    CHECK(done == 0);
    slow->open = true;
    slow->changed.notify_all();
  }
  while (done < 5) coded.loop.run_one();
  CHECK(slow->most == 2);
}

TEST_CASE(
    "P007 what a codec makes is measured: too large for the server, it fails what it belongs to") {
  struct Grows final : PayloadCodec {
    Payloads encode(Payloads payloads) override {
      for (auto& payload : payloads) payload.data.resize(2'000, 'x');
      return payloads;
    }
    Payloads decode(Payloads payloads) override { return payloads; }
  };
  Coded coded({std::make_shared<Grows>()});
  coded.coder.limit_payloads(1'000);
  ws::RespondActivityTaskCompletedRequest answer;
  to_proto(plain("small"), answer.mutable_result()->add_payloads());
  run(coded.loop, coded.service.respond_activity_task_completed(std::move(answer)));
  CHECK(coded.server.completed.empty());
  REQUIRE(coded.server.failed.size() == 1);
  CHECK(coded.server.failed[0].failure().message().find(
            "it made 2000 bytes of a payload, and the server takes 1000") != std::string::npos);
}

TEST_CASE("P007 the reason of a codec is told in a length and in letters that everybody can read") {
  struct Mutters final : PayloadCodec {
    Payloads encode(Payloads payloads) override {
      throw std::runtime_error(payloads[0].data == "long" ? std::string(1 << 20, 'x') : "\xff\xfe");
    }
    Payloads decode(Payloads payloads) override { return payloads; }
  };
  Coded coded({std::make_shared<Mutters>()});
  for (const char* what : {"long", "odd"}) {
    ws::RespondActivityTaskCompletedRequest answer;
    to_proto(plain(what), answer.mutable_result()->add_payloads());
    run(coded.loop, coded.service.respond_activity_task_completed(std::move(answer)));
  }
  REQUIRE(coded.server.failed.size() == 2);
  CHECK(coded.server.failed[0].failure().message().size() < 3'000);
  CHECK(coded.server.failed[1].failure().message().find("no UTF-8") != std::string::npos);
}
