// SPDX-License-Identifier: MIT
// What is inside a temporal::History.
#pragma once

#include "temporal/api/history/v1/message.pb.h"
#include "temporal/history.hpp"

namespace temporal::detail {

struct RecordedEvents {
  api::history::v1::History proto;
};

}  // namespace temporal::detail

namespace temporal::supervisor {

[[nodiscard]] History history_of(api::history::v1::History proto);

}  // namespace temporal::supervisor
