// SPDX-License-Identifier: MIT
// What user code is told of its attempt, the same in every home: made from the record that also
// starts a task in a child.
#pragma once

#include "child/v1/child.pb.h"
#include "temporal/context.hpp"

namespace temporal {

[[nodiscard]] activity::Info info_of(const child::v1::Start& start);

}  // namespace temporal
