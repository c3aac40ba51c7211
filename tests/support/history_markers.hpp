// SPDX-License-Identifier: MIT
// Events of patches, search attributes and memo, as a server writes them.
#pragma once

#include <initializer_list>
#include <string>

#include "tests/support/history_builder.hpp"

namespace temporal::testing {

inline api::common::v1::Payload json(const std::string& text, const char* type = nullptr) {
  api::common::v1::Payload payload;
  (*payload.mutable_metadata())["encoding"] = "json/plain";
  if (type) (*payload.mutable_metadata())["type"] = type;
  payload.set_data(text);
  return payload;
}

inline void patch_marker(HistoryBuilder& h, const std::string& id, bool deprecated = false) {
  auto* marker =
      h.add(enums::EVENT_TYPE_MARKER_RECORDED).mutable_marker_recorded_event_attributes();
  marker->set_marker_name("core_patch");
  *(*marker->mutable_details())["patch-data"].add_payloads() =
      json(R"({"id":")" + id + R"(","deprecated":)" + (deprecated ? "true}" : "false}"));
}

inline void search_attributes_upserted(HistoryBuilder& h, const std::string& name,
                                       const std::string& text, const char* type) {
  (*h.add(enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES)
        .mutable_upsert_workflow_search_attributes_event_attributes()
        ->mutable_search_attributes()
        ->mutable_indexed_fields())[name] = json(text, type);
}

inline void change_version(HistoryBuilder& h, const std::string& ids) {
  search_attributes_upserted(h, "TemporalChangeVersion", ids, "KeywordList");
}

inline void properties_modified(HistoryBuilder& h) {
  h.add(enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED)
      .mutable_workflow_properties_modified_event_attributes();
}

}  // namespace temporal::testing
