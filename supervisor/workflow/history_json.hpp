// SPDX-License-Identifier: MIT
// Brings the JSON that tools and SDKs write into the form protobuf reads: enum names in one
// spelling, payloads in full, bytes in base64. What the schema does not know is left alone; the
// parser ignores it.
#pragma once

#include <google/protobuf/descriptor.h>

#include <nlohmann/json.hpp>

namespace temporal::engine {

/// Stands for an event type whose name this worker's protos do not have.
inline constexpr int kUnknownEventType = 999'999;

void normalise(nlohmann::json& value, const google::protobuf::Descriptor& message);

}  // namespace temporal::engine
