// SPDX-License-Identifier: MIT
#include "supervisor/workflow/patch_marker.hpp"

#include <nlohmann/json.hpp>

#include "shared/payload_proto.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;

namespace {

using Details = google::protobuf::Map<std::string, api::common::v1::Payloads>;

const api::common::v1::Payload* first_of(const Details& details, const char* key) {
  const auto found = details.find(key);
  if (found == details.end() || found->second.payloads().empty()) return nullptr;
  return &found->second.payloads(0);
}

std::optional<PatchMarker> read(const std::string& name, const Details& details) {
  if (name != kPatchMarker) return std::nullopt;
  if (const auto* data = first_of(details, "patch-data")) {
    const auto json = nlohmann::json::parse(data->data(), nullptr, false);
    if (json.is_object() && json.contains("id") && json["id"].is_string())
      return PatchMarker{json["id"], json.contains("deprecated") && json["deprecated"] == true};
  }
  if (const auto* id = first_of(details, "patch_id")) {
    const auto* deprecated = first_of(details, "deprecated");
    return PatchMarker{id->data(), deprecated && deprecated->data() == std::string(1, '\1')};
  }
  return std::nullopt;
}

}  // namespace

std::optional<PatchMarker> patch_marker_of(const HistoryEvent& event) {
  if (!event.has_marker_recorded_event_attributes()) return std::nullopt;
  const auto& marker = event.marker_recorded_event_attributes();
  return read(marker.marker_name(), marker.details());
}

std::optional<PatchMarker> patch_marker_of(const Command& command) {
  if (!command.has_record_marker_command_attributes()) return std::nullopt;
  const auto& marker = command.record_marker_command_attributes();
  return read(marker.marker_name(), marker.details());
}

bool upserts_change_version(const HistoryEvent& event) {
  return event.has_upsert_workflow_search_attributes_event_attributes() &&
         event.upsert_workflow_search_attributes_event_attributes()
             .search_attributes()
             .indexed_fields()
             .contains(kChangeVersion);
}

Command patch_command(const PatchMarker& marker) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_RECORD_MARKER);
  auto* attributes = command.mutable_record_marker_command_attributes();
  attributes->set_marker_name(kPatchMarker);
  const nlohmann::json data{{"id", marker.id}, {"deprecated", marker.deprecated}};
  to_proto(detail::json_payload(data),
           (*attributes->mutable_details())["patch-data"].add_payloads());
  return command;
}

std::optional<SearchAttributes> change_version(const std::set<std::string>& ids) {
  constexpr KeywordListKey kKey{kChangeVersion};
  const auto update = kKey.set({ids.begin(), ids.end()});
  if (update.value().data.size() >= kMaxChangeVersion) return std::nullopt;
  return SearchAttributes(update);
}

}  // namespace temporal::engine
