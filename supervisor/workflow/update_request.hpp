// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "temporal/api/update/v1/message.pb.h"

namespace temporal::engine {

/// An update as it came: by a message, or, replayed, by the event that says it was accepted.
struct UpdateRequest {
  std::string instance_id;  ///< of the protocol, which is the update's id
  std::string message_id;
  std::int64_t sequenced_after = 0;  ///< the event that has been applied when it is delivered
  api::update::v1::Request request;
};

}  // namespace temporal::engine
