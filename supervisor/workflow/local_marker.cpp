// SPDX-License-Identifier: MIT
#include "supervisor/workflow/local_marker.hpp"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "shared/payload_proto.hpp"
#include "supervisor/workflow/errors.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;
using Json = nlohmann::ordered_json;  // other SDKs write the fields in this order too

namespace {

constexpr const char* kData = "data";
constexpr const char* kResult = "result";

template <class Marker>
Json data_of(const Marker& marker) {
  const auto found = marker.details().find(kData);
  if (found == marker.details().end() || found->second.payloads().empty()) return {};
  return Json::parse(found->second.payloads(0).data(), nullptr, false);
}

template <class Marker>
std::string described(const Marker& marker) {
  if (marker.marker_name() != kLocalMarker) return {};
  const auto data = data_of(marker);
  if (!data.is_object()) return {};
  const auto text = [&](const char* key) {
    const auto found = data.find(key);
    return found != data.end() && found->is_string() ? found->template get<std::string>()
                                                     : std::string();
  };
  return ", activity id '" + text("activity_id") + "', type '" + text("activity_type") + "'";
}

std::optional<Duration> duration_from(const Json& data, const char* key) {
  const auto found = data.find(key);
  if (found == data.end() || !found->is_object()) return std::nullopt;
  google::protobuf::Duration proto;
  proto.set_seconds(found->value("seconds", std::int64_t{0}));
  proto.set_nanos(found->value("nanos", 0));
  return from_proto(proto);
}

std::optional<Time> time_from(const Json& data, const char* key) {
  const auto since_epoch = duration_from(data, key);
  return since_epoch ? std::optional(Time(*since_epoch)) : std::nullopt;
}

Json json_of(std::optional<Duration> duration) {
  if (!duration) return nullptr;
  google::protobuf::Duration proto;
  to_proto(*duration, &proto);
  return {{"seconds", proto.seconds()}, {"nanos", proto.nanos()}};
}

Json json_of(std::optional<Time> time) {
  return json_of(time ? std::optional<Duration>(time->time_since_epoch()) : std::nullopt);
}

}  // namespace

std::string describe_local_marker(const api::history::v1::MarkerRecordedEventAttributes& marker) {
  return described(marker);
}

std::string describe_local_marker(const api::command::v1::RecordMarkerCommandAttributes& marker) {
  return described(marker);
}

std::optional<LocalMarker> local_marker_of(const HistoryEvent& event) {
  if (!event.has_marker_recorded_event_attributes()) return std::nullopt;
  const auto& recorded = event.marker_recorded_event_attributes();
  if (recorded.marker_name() != kLocalMarker) return std::nullopt;
  LocalMarker marker;
  try {
    const auto data = data_of(recorded);
    marker.result.seq = data.at("seq").get<std::uint32_t>();
    marker.result.attempt = data.value("attempt", 1);
    marker.activity_id = data.value("activity_id", "");
    marker.activity_type = data.value("activity_type", "");
    marker.complete_time = time_from(data, "complete_time");
    marker.result.backoff = duration_from(data, "backoff");
    marker.result.scheduled = time_from(data, "original_schedule_time");
  } catch (const nlohmann::json::exception& wrong) {
    throw EngineError(event.event_id(),
                      "event " + std::to_string(event.event_id()) +
                          ", a marker of a local activity, cannot be read: " + wrong.what());
  }
  if (recorded.has_failure()) {
    marker.result.outcome = recorded.failure();
  } else if (const auto found = recorded.details().find(kResult);
             found != recorded.details().end()) {
    marker.result.outcome = found->second;
  }
  return marker;
}

Command local_marker_command(const LocalMarker& marker) {
  const auto& result = marker.result;
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_RECORD_MARKER);
  auto* attributes = command.mutable_record_marker_command_attributes();
  attributes->set_marker_name(kLocalMarker);
  const Json data{{"seq", result.seq},
                  {"attempt", result.attempt},
                  {"activity_id", marker.activity_id},
                  {"activity_type", marker.activity_type},
                  {"complete_time", json_of(marker.complete_time)},
                  {"backoff", json_of(result.backoff)},
                  {"original_schedule_time", json_of(result.scheduled)}};
  auto* payload = (*attributes->mutable_details())[kData].add_payloads();
  (*payload->mutable_metadata())["encoding"] = detail::kJson;
  payload->set_data(data.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (const auto* failure = std::get_if<api::failure::v1::Failure>(&result.outcome)) {
    *attributes->mutable_failure() = *failure;
  } else {
    auto& payloads = (*attributes->mutable_details())[kResult];
    payloads = std::get<api::common::v1::Payloads>(result.outcome);
    if (payloads.payloads().empty()) to_proto(detail::null_payload(), payloads.add_payloads());
  }
  return command;
}

}  // namespace temporal::engine
