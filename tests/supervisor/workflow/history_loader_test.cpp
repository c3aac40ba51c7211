// SPDX-License-Identifier: MIT
#include "supervisor/workflow/history_loader.hpp"

#include <doctest/doctest.h>
#include <google/protobuf/util/message_differencer.h>

#include <string>

#include "shared/payload_proto.hpp"
#include "supervisor/workflow/history_json.hpp"
#include "temporal/payload.hpp"
#include "tests/supervisor/workflow/corpus.hpp"

namespace temporal::engine {
namespace {

namespace enums = api::enums::v1;

api::history::v1::History one(const std::string& text) {
  return std::move(parse_histories(text, "test.json").front());
}

// A history whose first event carries this as its input.
Payloads input_of(const std::string& payloads) {
  const auto history = one(R"({"events":[{"eventId":"1","eventType":"WorkflowExecutionStarted",
    "workflowExecutionStartedEventAttributes":{"input":)" +
                           payloads + "}}]}");
  return from_proto(history.events(0).workflow_execution_started_event_attributes().input());
}

std::string error_of(const std::string& text, const std::string& name) {
  try {
    (void)parse_histories(text, name);
  } catch (const HistoryFileError& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("both spellings of enums are read, in events and inside their attributes") {
  const auto camel = one(R"({"events":[{"eventId":"1","eventType":"WorkflowTaskScheduled",
    "workflowTaskScheduledEventAttributes":{"taskQueue":{"name":"q","kind":"Sticky"}}}]})");
  const auto screaming =
      one(R"({"events":[{"eventId":1,"eventType":"EVENT_TYPE_WORKFLOW_TASK_SCHEDULED",
    "workflowTaskScheduledEventAttributes":{
      "taskQueue":{"name":"q","kind":"TASK_QUEUE_KIND_STICKY"}}}]})");
  CHECK(camel.events(0).event_type() == enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED);
  CHECK(google::protobuf::util::MessageDifferencer::Equals(camel, screaming));
}

TEST_CASE("unknown fields are ignored, an unknown event type stays unknown") {
  const auto history = one(R"({"events":[{"eventId":"1","eventType":"BrandNewEvent",
    "workerMayIgnore":true,"someField":{"deep":[1]},"parentWorkflowExecution":null}]})");
  CHECK(int(history.events(0).event_type()) == kUnknownEventType);
  CHECK(history.events(0).worker_may_ignore());
}

TEST_CASE("payloads are read in full, with plain text for base64, and in shorthand") {
  const Payloads hello{to_payload(std::string("hello"))};
  CHECK(
      input_of(
          R"({"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"ImhlbGxvIg=="}]})") ==
      hello);
  CHECK(input_of(R"({"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg==",
    "encodingDecoded":"json/plain"},"data":"hello"}]})") == hello);
  CHECK(input_of(R"({"payloads":[{"metadata":{"encoding":"json/plain"},"data":"\"hello\""}]})") ==
        hello);
  CHECK(input_of(R"(["hello"])") == hello);
  CHECK(input_of(R"([{"a":1}, null])") ==
        Payloads{to_payload(nlohmann::json{{"a", 1}}), detail::null_payload()});
  const auto raw =
      input_of(R"({"payloads":[{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"AAH/"}]})");
  CHECK(raw == Payloads{to_payload(Bytes(std::string("\x00\x01\xff", 3)))});
}

TEST_CASE("a file may hold an array of histories, or bare events") {
  const std::string event = R"({"eventId":"1","eventType":"WorkflowExecutionStarted"})";
  const std::string history = R"({"events":[)" + event + "]}";
  CHECK(parse_histories("[" + history + "," + history + "]", "x.json").size() == 2);
  CHECK(parse_histories("[" + event + "]", "x.json").size() == 1);
  CHECK(parse_histories(R"({"history":)" + history + "}", "x").size() == 1);
}

TEST_CASE("binary histories are told from JSON by what is in them") {
  const auto history =
      one(R"({"events":[{"eventId":"1","eventType":"WorkflowExecutionStarted"}]})");
  const auto again = parse_histories(history.SerializeAsString(), "no-suffix");
  CHECK(google::protobuf::util::MessageDifferencer::Equals(history, again.front()));
}

TEST_CASE("what cannot be read is refused with the file's name and the reason") {
  CHECK(error_of("{", "broken.json").starts_with("cannot read history broken.json: "));
  CHECK(error_of(R"({"a":1})", "other.json") ==
        "cannot read history other.json: it is JSON, but has no \"events\"");
  CHECK(error_of(R"({"events":[]})", "none.json") ==
        "cannot read history none.json: it holds no events");
  CHECK(error_of(R"([])", "no.json") == "cannot read history no.json: it holds no history");
  CHECK(error_of("\x01\x02\x03", "junk.bin") ==
        "cannot read history junk.bin: it is neither JSON nor a serialized History");
  CHECK(error_of(R"({"events":[{"eventId":"x"}]})", "id.json").find("id.json") !=
        std::string::npos);
  const std::string deep(200'000, '[');
  CHECK(error_of("{\"events\":" + deep, "deep.json") ==
        "cannot read history deep.json: its JSON is nested too deeply for a history");
  CHECK_THROWS_WITH_AS(
      (void)load_histories("/nowhere/h.json"),
      "cannot read history /nowhere/h.json: the file is missing, empty or not readable",
      HistoryFileError);
  CHECK_THROWS_WITH_AS((void)load_histories("/proc"),
                       "cannot read history /proc: the file is missing, empty or not readable",
                       HistoryFileError);
}

TEST_CASE("all recorded histories load, with ids that count from 1") {
  if (!testing::corpus_present("loading")) return;
  for (const auto& path : testing::corpus_files()) {
    CAPTURE(path.string());
    for (const auto& history : load_histories(path))
      for (int i = 0; i < history.events_size(); ++i) CHECK(history.events(i).event_id() == i + 1);
  }
}

TEST_CASE("the two forms of one workflow's recordings tell the same story") {
  if (!testing::corpus_present("JSON against binary")) return;
  const auto folder = testing::corpus_folder() / "sdk-typescript";
  const auto json = load_history(folder / "cancel_fake_progress_history.json");
  const auto binary = load_history(folder / "cancel_fake_progress_history.bin");
  REQUIRE(json.events_size() == binary.events_size());
  for (int i = 0; i < json.events_size(); ++i)
    CHECK(json.events(i).event_type() == binary.events(i).event_type());
  const auto again = parse_histories(json.SerializeAsString(), "again.bin");
  CHECK(google::protobuf::util::MessageDifferencer::Equals(json, again.front()));
}

}  // namespace temporal::engine
