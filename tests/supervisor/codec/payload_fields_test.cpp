// SPDX-License-Identifier: MIT
#include "supervisor/codec/payload_fields.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "shared/payload_proto.hpp"
#include "temporal/api/update/v1/message.pb.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"

using namespace temporal;
using namespace temporal::supervisor;
namespace ws = api::workflowservice::v1;

namespace {

void put(const char* text, api::common::v1::Payload* payload) { payload->set_data(text); }
void put(const char* text, api::common::v1::Payloads* payloads) {
  payloads->add_payloads()->set_data(text);
}

Payloads marked(Payloads payloads) {
  for (auto& payload : payloads) payload.data = "<" + payload.data + ">";
  return payloads;
}

std::string first(const api::common::v1::Payloads& payloads) { return payloads.payloads(0).data(); }

}  // namespace

TEST_CASE("a codec sees payloads wherever they are in a completion, and nothing else") {
  ws::RespondWorkflowTaskCompletedRequest request;
  auto* activity = request.add_commands();
  put("argument", activity->mutable_schedule_activity_task_command_attributes()->mutable_input());
  put("header", &(*activity->mutable_schedule_activity_task_command_attributes()
                       ->mutable_header()
                       ->mutable_fields())["trace"]);
  put("summary", activity->mutable_user_metadata()->mutable_summary());
  auto* child = request.add_commands()->mutable_start_child_workflow_execution_command_attributes();
  put("memo", &(*child->mutable_memo()->mutable_fields())["note"]);
  put("colour", &(*child->mutable_search_attributes()->mutable_indexed_fields())["Colour"]);
  auto* failed = request.add_commands()
                     ->mutable_fail_workflow_execution_command_attributes()
                     ->mutable_failure();
  put("details", failed->mutable_cause()->mutable_application_failure_info()->mutable_details());
  put("encoded", failed->mutable_encoded_attributes());
  put("beat", failed->mutable_cause()
                  ->mutable_cause()
                  ->mutable_timeout_failure_info()
                  ->mutable_last_heartbeat_details());
  auto* local = request.add_commands()->mutable_record_marker_command_attributes();
  put("bookkeeping", &(*local->mutable_details())["data"]);
  put("result", &(*local->mutable_details())["result"]);
  put("answer", (*request.mutable_query_results())["q"].mutable_answer());
  api::update::v1::Response response;
  put("outcome", response.mutable_outcome()->mutable_success());
  request.add_messages()->mutable_body()->PackFrom(response);

  change_payloads(request, marked, false);

  const auto& scheduled = request.commands(0).schedule_activity_task_command_attributes();
  CHECK(first(scheduled.input()) == "<argument>");
  CHECK(scheduled.header().fields().at("trace").data() == "header");
  CHECK(request.commands(0).user_metadata().summary().data() == "<summary>");
  const auto& started = request.commands(1).start_child_workflow_execution_command_attributes();
  CHECK(started.memo().fields().at("note").data() == "<memo>");
  CHECK(started.search_attributes().indexed_fields().at("Colour").data() == "colour");
  const auto& failure = request.commands(2).fail_workflow_execution_command_attributes().failure();
  CHECK(failure.encoded_attributes().data() == "<encoded>");
  CHECK(first(failure.cause().application_failure_info().details()) == "<details>");
  CHECK(first(failure.cause().cause().timeout_failure_info().last_heartbeat_details()) == "<beat>");
  const auto& marker = request.commands(3).record_marker_command_attributes();
  CHECK(first(marker.details().at("data")) == "bookkeeping");
  CHECK(first(marker.details().at("result")) == "<result>");
  CHECK(first(request.query_results().at("q").answer()) == "<answer>");
  api::update::v1::Response sent;
  REQUIRE(request.messages(0).body().UnpackTo(&sent));
  CHECK(first(sent.outcome().success()) == "<outcome>");
}

TEST_CASE("headers pass through it once, and only where that is asked for") {
  ws::PollActivityTaskQueueResponse task;
  put("trace", &(*task.mutable_header()->mutable_fields())["trace"]);
  change_payloads(task, marked, true);
  CHECK(task.header().fields().at("trace").data() == "<trace>");
}

TEST_CASE("a list may become longer or shorter, a payload that stands alone stays one") {
  ws::StartWorkflowExecutionRequest request;
  put("one", request.mutable_input());
  put("two", request.mutable_input());
  change_payloads(
      request, [](Payloads) { return Payloads{to_payload(7)}; }, false);
  REQUIRE(request.input().payloads_size() == 1);
  CHECK(first(request.input()) == "7");
  put("alone", &(*request.mutable_memo()->mutable_fields())["note"]);
  const auto twice = [](Payloads payloads) {
    payloads.push_back(payloads.front());
    return payloads;
  };
  CHECK_THROWS_WITH_AS(change_payloads(request, twice, false),
                       "it made 2 payloads of one, where there is room for one",
                       std::runtime_error);
}

TEST_CASE("an empty list is none of its business, nor is a message of a kind that nobody knows") {
  ws::StartWorkflowExecutionRequest request;
  request.mutable_input();
  ws::PollWorkflowTaskQueueResponse task;
  task.add_messages()->mutable_body()->set_type_url("type.googleapis.com/of.another.Version");
  task.mutable_messages(0)->mutable_body()->set_value("\x08\x01");
  const auto never = [](Payloads) -> Payloads { throw std::logic_error("it was asked"); };
  CHECK_NOTHROW(change_payloads(request, never, true));
  CHECK_NOTHROW(change_payloads(task, never, true));
  CHECK(task.messages(0).body().value() == "\x08\x01");
}
