// SPDX-License-Identifier: MIT
#include "supervisor/workflow/history_json.hpp"

#include <array>
#include <cctype>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/enums/v1/event_type.pb.h"

namespace temporal::engine {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using nlohmann::json;

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string encode64(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k > bytes.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63];
  }
  return text;
}

// Both alphabets, padded or not, as proto3 JSON has it.
std::optional<std::string> decode64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  std::uint32_t group = 0;
  int bits = 0;
  for (char c : text) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    group = group << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(group >> bits & 0xff);
  }
  return bytes;
}

// "WorkflowExecutionStarted" and "WORKFLOW_EXECUTION_STARTED" are one.
std::string squeezed(std::string_view name) {
  std::string letters;
  for (unsigned char c : name)
    if (c != '_') letters += static_cast<char>(std::toupper(c));
  return letters;
}

void normalise_enum(json& value, const EnumDescriptor& type) {
  if (!value.is_string()) return;
  const auto& name = value.get_ref<const std::string&>();
  if (type.FindValueByName(name)) return;
  const auto wanted = squeezed(name);
  const auto prefix = squeezed(type.name());
  for (int i = 0; i < type.value_count(); ++i) {
    const auto candidate = squeezed(type.value(i)->name());
    if (candidate == wanted || candidate == prefix + wanted) {
      value = type.value(i)->name();
      return;
    }
  }
  // An event of unknown type must not look like none; other enums added later say nothing to this
  // engine.
  value = &type == api::enums::v1::EventType_descriptor() ? json(kUnknownEventType) : json();
}

bool looks_like_encoding(std::string_view text) {
  return text.starts_with("json/") || text.starts_with("binary/");
}

// Data is base64, or plain text where a tool has decoded it already.
std::string data_of(const json& data, bool holds_json) {
  if (!data.is_string()) return data.dump();
  const auto& text = data.get_ref<const std::string&>();
  const auto bytes = decode64(text);
  if (bytes && (!holds_json || json::accept(*bytes))) return *bytes;
  return !holds_json || json::accept(text) ? text : json(text).dump();
}

void normalise_full_payload(json& payload) {
  std::string encoding;
  if (auto metadata = payload.find("metadata"); metadata != payload.end()) {
    metadata->erase("encodingDecoded");
    for (auto& [key, value] : metadata->items()) {
      if (!value.is_string()) continue;
      const auto& text = value.get_ref<const std::string&>();
      auto bytes = looks_like_encoding(text) ? text : decode64(text).value_or(text);
      value = encode64(bytes);
      if (key == "encoding") encoding = std::move(bytes);
    }
  }
  if (auto data = payload.find("data"); data != payload.end() && !data->is_null())
    *data = encode64(data_of(*data, encoding.starts_with("json/")));
}

json full_payload(std::string_view encoding, std::string_view data) {
  return {{"metadata", {{"encoding", encode64(encoding)}}}, {"data", encode64(data)}};
}

void normalise_payload(json& value) {
  const bool full = value.is_object() && (value.empty() || value.contains("metadata")) &&
                    (!value.contains("metadata") || value["metadata"].is_object());
  if (full) return normalise_full_payload(value);
  if (value.is_null()) {
    value = full_payload("binary/null", "");
  } else if (value.is_object() && value.contains("_protoMessageType")) {
    const auto type = value["_protoMessageType"].get<std::string>();
    value.erase("_protoMessageType");
    value = full_payload("json/protobuf", value.dump());
    value["metadata"]["messageType"] = encode64(type);
  } else {
    value = full_payload("json/plain", value.dump());
  }
}

void normalise_one(json& value, const FieldDescriptor& field) {
  if (field.type() == FieldDescriptor::TYPE_ENUM) return normalise_enum(value, *field.enum_type());
  if (field.type() == FieldDescriptor::TYPE_MESSAGE) normalise(value, *field.message_type());
}

void normalise_field(json& value, const FieldDescriptor& field) {
  if (field.is_map()) {
    if (!value.is_object()) return;
    for (auto& [key, entry] : value.items())
      normalise_one(entry, *field.message_type()->map_value());
  } else if (field.is_repeated()) {
    if (!value.is_array()) return;
    for (auto& entry : value) normalise_one(entry, field);
  } else if (!value.is_null()) {
    normalise_one(value, field);
  }
}

}  // namespace

void normalise(json& value, const Descriptor& message) {
  using api::common::v1::Payload;
  using api::common::v1::Payloads;
  if (message.full_name().starts_with("google.protobuf.")) return;
  if (&message == Payload::descriptor()) return normalise_payload(value);
  if (&message == Payloads::descriptor() && value.is_array())
    value = json{{"payloads", std::move(value)}};
  if (!value.is_object()) return;
  for (auto& [key, child] : value.items()) {
    const auto* field = message.FindFieldByCamelcaseName(key);
    if (!field) field = message.FindFieldByName(key);
    if (field) normalise_field(child, *field);
  }
}

}  // namespace temporal::engine
