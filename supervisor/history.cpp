// SPDX-License-Identifier: MIT
#include "temporal/history.hpp"

#include <google/protobuf/util/json_util.h>

#include <stdexcept>
#include <utility>

#include "supervisor/recorded_events.hpp"
#include "supervisor/workflow/history_loader.hpp"

namespace temporal {

namespace {

using Started = api::history::v1::WorkflowExecutionStartedEventAttributes;

// An empty one where a history does not begin as it should.
const Started& started(const detail::RecordedEvents& events) {
  const auto& all = events.proto.events();
  return all.empty() ? Started::default_instance()
                     : all[0].workflow_execution_started_event_attributes();
}

std::vector<History> histories_of(std::vector<api::history::v1::History> protos) {
  std::vector<History> histories;
  histories.reserve(protos.size());
  for (auto& proto : protos) histories.push_back(supervisor::history_of(std::move(proto)));
  return histories;
}

}  // namespace

History supervisor::history_of(api::history::v1::History proto) {
  auto events = std::make_shared<detail::RecordedEvents>();
  events->proto = std::move(proto);
  return History(std::move(events));
}

History::History(std::shared_ptr<const detail::RecordedEvents> events)
    : events_(std::move(events)) {}

std::vector<History> History::load(const std::filesystem::path& path) {
  return histories_of(engine::load_histories(path));
}

std::vector<History> History::parse(std::string_view text, std::string_view name) {
  return histories_of(engine::parse_histories(text, name));
}

const std::string& History::workflow_id() const noexcept { return started(*events_).workflow_id(); }

const std::string& History::workflow_type() const noexcept {
  return started(*events_).workflow_type().name();
}

std::size_t History::size() const noexcept {
  return static_cast<std::size_t>(events_->proto.events_size());
}

std::string History::to_json() const {
  std::string json;
  google::protobuf::util::JsonPrintOptions how;
  how.add_whitespace = true;
  const auto status = google::protobuf::util::MessageToJsonString(events_->proto, &json, how);
  if (!status.ok())
    throw std::runtime_error("this history cannot be written as JSON: " +
                             std::string(status.message()));
  return json;
}

}  // namespace temporal
