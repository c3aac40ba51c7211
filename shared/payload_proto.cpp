// SPDX-License-Identifier: MIT
#include "shared/payload_proto.hpp"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <cstdint>

namespace temporal {

namespace {

constexpr std::int64_t kNanos = 1'000'000'000;
constexpr std::int64_t kMaxSeconds = INT64_MAX / kNanos - 1;

std::int64_t joined(std::int64_t seconds, std::int32_t nanos) {
  const auto clamped =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(nanos, -kNanos + 1, kNanos - 1));
  return std::clamp(seconds, -kMaxSeconds, kMaxSeconds) * kNanos + clamped;
}

}  // namespace

void to_proto(const Payload& payload, api::common::v1::Payload* proto) {
  for (const auto& [key, value] : payload.metadata) (*proto->mutable_metadata())[key] = value;
  proto->set_data(payload.data);
}

void to_proto(const Payloads& payloads, api::common::v1::Payloads* proto) {
  for (const auto& payload : payloads) to_proto(payload, proto->add_payloads());
}

Payload from_proto(const api::common::v1::Payload& proto) {
  Payload payload;
  payload.metadata.insert(proto.metadata().begin(), proto.metadata().end());
  payload.data = proto.data();
  return payload;
}

Payloads from_proto(const api::common::v1::Payloads& proto) {
  Payloads payloads;
  payloads.reserve(proto.payloads_size());
  for (const auto& payload : proto.payloads()) payloads.push_back(from_proto(payload));
  return payloads;
}

std::map<std::string, Payload> from_proto(
    const google::protobuf::Map<std::string, api::common::v1::Payload>& proto) {
  std::map<std::string, Payload> fields;
  for (const auto& [key, value] : proto) fields.emplace(key, from_proto(value));
  return fields;
}

void to_proto(const std::map<std::string, Payload>& fields,
              google::protobuf::Map<std::string, api::common::v1::Payload>* proto) {
  for (const auto& [name, value] : fields) to_proto(value, &(*proto)[name]);
}

void to_proto(Duration duration, google::protobuf::Duration* proto) {
  proto->set_seconds(duration.count() / kNanos);
  proto->set_nanos(static_cast<std::int32_t>(duration.count() % kNanos));
}

Duration from_proto(const google::protobuf::Duration& proto) {
  return Duration{joined(proto.seconds(), proto.nanos())};
}

Time from_proto(const google::protobuf::Timestamp& proto) {
  return Time{Duration{joined(proto.seconds(), proto.nanos())}};
}

void to_proto(Time time, google::protobuf::Timestamp* proto) {
  auto nanos = time.time_since_epoch().count();
  auto seconds = nanos / kNanos;
  if (nanos % kNanos < 0) --seconds;  // a Timestamp's nanos are never negative
  proto->set_seconds(seconds);
  proto->set_nanos(static_cast<std::int32_t>(nanos - seconds * kNanos));
}

}  // namespace temporal
