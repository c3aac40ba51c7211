// SPDX-License-Identifier: MIT
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/util/json_util.h>

#include "child/v1/child.pb.h"
#include "temporal/api/history/v1/message.pb.h"
#include "temporal/api/namespace/v1/message.pb.h"

namespace api = temporal::api;

TEST_CASE("a package that C++ cannot spell keeps its name on the wire") {
  api::namespace_::v1::NamespaceInfo info;
  info.set_name("default");
  CHECK(info.GetDescriptor()->full_name() == "temporal.api.namespace.v1.NamespaceInfo");

  google::protobuf::Any any;
  any.PackFrom(info);
  CHECK(any.type_url() == "type.googleapis.com/temporal.api.namespace.v1.NamespaceInfo");
  api::namespace_::v1::NamespaceInfo back;
  REQUIRE(any.UnpackTo(&back));
  CHECK(back.name() == "default");
}

TEST_CASE("a history event survives the wire and JSON") {
  api::history::v1::HistoryEvent event;
  event.set_event_id(5);
  event.set_event_type(api::enums::v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED);
  auto& scheduled = *event.mutable_activity_task_scheduled_event_attributes();
  scheduled.mutable_activity_type()->set_name("say_hello");

  api::history::v1::HistoryEvent back;
  REQUIRE(back.ParseFromString(event.SerializeAsString()));
  CHECK(back.activity_task_scheduled_event_attributes().activity_type().name() == "say_hello");

  std::string json;
  REQUIRE(google::protobuf::util::MessageToJsonString(event, &json).ok());
  CHECK(json.find("EVENT_TYPE_ACTIVITY_TASK_SCHEDULED") != std::string::npos);
  REQUIRE(google::protobuf::util::JsonStringToMessage(json, &back).ok());
  CHECK(back.event_id() == 5);
}

TEST_CASE("the messages of the process boundary are in the same tree") {
  CHECK(temporal::child::v1::Ready::descriptor()->file()->name() == "child/v1/child.proto");
}
