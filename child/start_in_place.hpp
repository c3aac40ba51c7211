// SPDX-License-Identifier: MIT
// A task whose arguments are large lies in a segment that stays as it is until the task is answered. So
// their bytes need not be copied out of it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "child/v1/child.pb.h"
#include "shared/ipc/records.hpp"
#include "temporal/payload.hpp"

namespace temporal::child {

/// As start.ParseFromArray(record), but for the data of arguments over ipc::kInlineLimit: they are left
/// where they are, and `data` says where. It has one view for each argument, empty for those that are
/// in `start`.
[[nodiscard]] ipc::Parsed parse_in_place(std::span<const std::byte> record, v1::Start& start,
                                         std::vector<BytesView>& data) noexcept;

}  // namespace temporal::child
