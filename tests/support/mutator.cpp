// SPDX-License-Identifier: MIT
#include "tests/support/mutator.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <limits>
#include <map>
#include <vector>

namespace temporal::testing {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void insert(Mutator::History& history, int at, const Mutator::Event& event) {
  *history.add_events() = event;
  for (int i = history.events_size() - 1; i > at; --i)
    history.mutable_events()->SwapElements(i, i - 1);
}

// Fields of events that hold the id of another event.
std::vector<const FieldDescriptor*> references_in(const Message& attributes) {
  std::vector<const FieldDescriptor*> fields, found;
  attributes.GetReflection()->ListFields(attributes, &fields);
  for (const auto* field : fields)
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT64 && !field->is_repeated() &&
        field->name().ends_with("event_id"))
      found.push_back(field);
  return found;
}

Message* attributes_of(Mutator::Event& event) {
  const auto* one_of = Mutator::Event::descriptor()->FindOneofByName("attributes");
  const auto* reflection = event.GetReflection();
  const auto* field = reflection->GetOneofFieldDescriptor(event, one_of);
  return field ? reflection->MutableMessage(&event, field) : nullptr;
}

}  // namespace

void Mutator::spoil(History& history) {
  for (int changes = dice_.between(1, 3); changes > 0; --changes)
    if (!history.events().empty()) change_one(history);
  if (!dice_.one_in(8)) renumber(history, dice_.one_in(2));
}

void Mutator::change_one(History& history) {
  auto& events = *history.mutable_events();
  const int count = events.size();
  const int at = int(dice_.below(std::size_t(count)));
  const auto named = "event " + std::to_string(at + 1) + " of " + std::to_string(count) + " ";
  switch (dice_.below(10)) {
    case 0:
    case 1:
      say(named + "dropped");
      events.DeleteSubrange(at, 1);
      return;
    case 2: {
      const int to = dice_.one_in(2) ? at : int(dice_.below(std::size_t(count)));
      say(named + "doubled to " + std::to_string(to + 1));
      insert(history, to, Event(events[at]));
      return;
    }
    case 3:
      say(named + "swapped with its next");
      if (at + 1 < count) events.SwapElements(at, at + 1);
      return;
    case 4: {
      const int other = int(dice_.below(std::size_t(count)));
      say(named + "swapped with " + std::to_string(other + 1));
      events.SwapElements(at, other);
      return;
    }
    case 5:
      say(named + "loses its attributes");
      events[at].clear_attributes();
      return;
    case 6:
      say(named + "says it is of another type");
      events[at].set_event_type(events[int(dice_.below(std::size_t(count)))].event_type());
      return;
    case 7:
      say(named + "bytes:");
      spoil_bytes_of(events[at]);
      return;
    case 8:
      say("cut before " + named);
      if (at > 0) events.DeleteSubrange(at, count - at);
      return;
    default:
      say(named + "field");
      spoil_field(events[at]);
  }
}

// Walks down to a field that is there, by chance, and removes it or makes it extreme.
void Mutator::spoil_field(Message& message) {
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  if (fields.empty()) return;
  const auto* field = fields[dice_.below(fields.size())];
  what_ += " " + field->name();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field->is_map() &&
      !dice_.one_in(4)) {
    if (!field->is_repeated()) return spoil_field(*reflection->MutableMessage(&message, field));
    const auto size = std::size_t(reflection->FieldSize(message, field));
    return spoil_field(
        *reflection->MutableRepeatedMessage(&message, field, int(dice_.below(size))));
  }
  if (field->is_repeated() || dice_.one_in(2)) return reflection->ClearField(&message, field);
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64: {
      constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
      const std::int64_t values[] = {-1, 1, kMost, -kMost - 1, dice_.between(1, 40)};
      return reflection->SetInt64(&message, field, values[dice_.below(std::size(values))]);
    }
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->SetInt32(&message, field, std::numeric_limits<std::int32_t>::min());
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->SetEnumValue(&message, field, dice_.between(-1, 60));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection->SetString(&message, field, std::string(dice_.below(300), '{'));
    default:
      return reflection->ClearField(&message, field);
  }
}

void Mutator::spoil(std::string& bytes) {
  for (int changes = dice_.between(1, 3); changes > 0 && !bytes.empty(); --changes) {
    const auto at = dice_.below(bytes.size());
    const auto named = "byte " + std::to_string(at) + " ";
    switch (dice_.below(4)) {
      case 0:
        say(named + "dropped");
        bytes.erase(at, 1);
        break;
      case 1:
        say(named + "doubled");
        bytes.insert(at, 1, bytes[at]);
        break;
      case 2:
        say(named + "swapped with its next");
        if (at + 1 < bytes.size()) std::swap(bytes[at], bytes[at + 1]);
        break;
      default:
        say(named + "flipped");
        bytes[at] = char(bytes[at] ^ (1 << dice_.below(8)));
    }
  }
}

// What cannot be read any more keeps what was read before.
void Mutator::spoil_bytes_of(Event& event) {
  auto bytes = event.SerializeAsString();
  spoil(bytes);
  event.Clear();
  (void)event.ParsePartialFromString(bytes);
}

void Mutator::renumber(History& history, bool with_references) {
  std::map<std::int64_t, std::int64_t> moved;
  for (int i = 0; i < history.events_size(); ++i) {
    auto& event = *history.mutable_events(i);
    moved.emplace(event.event_id(), i + 1);
    event.set_event_id(i + 1);
  }
  if (!with_references) return;
  say("references follow");
  for (auto& event : *history.mutable_events()) {
    auto* attributes = attributes_of(event);
    if (!attributes) continue;
    const auto* reflection = attributes->GetReflection();
    for (const auto* field : references_in(*attributes)) {
      const auto found = moved.find(reflection->GetInt64(*attributes, field));
      if (found != moved.end()) reflection->SetInt64(attributes, field, found->second);
    }
  }
}

}  // namespace temporal::testing
