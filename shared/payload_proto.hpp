// SPDX-License-Identifier: MIT
// temporal::Payload <-> temporal.api.common.v1.Payload. Copies bytes, looks at nothing.
#pragma once

#include <google/protobuf/map.h>

#include <map>
#include <string>

#include "temporal/api/common/v1/message.pb.h"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"

namespace google::protobuf {
class Duration;
class Timestamp;
}  // namespace google::protobuf

namespace temporal {

void to_proto(const Payload& payload, api::common::v1::Payload* proto);
void to_proto(const Payloads& payloads, api::common::v1::Payloads* proto);
[[nodiscard]] Payload from_proto(const api::common::v1::Payload& proto);
[[nodiscard]] Payloads from_proto(const api::common::v1::Payloads& proto);
/// Sorted by key: a protobuf map has no order, and user code may iterate.
[[nodiscard]] std::map<std::string, Payload> from_proto(
    const google::protobuf::Map<std::string, api::common::v1::Payload>& proto);
void to_proto(const std::map<std::string, Payload>& fields,
              google::protobuf::Map<std::string, api::common::v1::Payload>* proto);

void to_proto(Duration duration, google::protobuf::Duration* proto);
/// Clamped to what std::chrono::nanoseconds holds (about 292 years).
[[nodiscard]] Duration from_proto(const google::protobuf::Duration& proto);
[[nodiscard]] Time from_proto(const google::protobuf::Timestamp& proto);
void to_proto(Time time, google::protobuf::Timestamp* proto);

}  // namespace temporal
