// SPDX-License-Identifier: MIT
// What code asks when it cancels an activity, remote or local: a row of its machine's table for each.
#pragma once

#include "supervisor/workflow/machines/machine.hpp"
#include "temporal/options.hpp"

namespace temporal::engine {

inline constexpr int kTryCancel = kCancel;
inline constexpr int kWaitCancel = kCancel - 1;
inline constexpr int kAbandon = kCancel - 2;
/// What else a machine knows that is no event counts down from here.
inline constexpr int kAfterCancels = kCancel - 3;

[[nodiscard]] inline int asked_by(OnCancel on_cancel) {
  switch (on_cancel) {
    case OnCancel::try_cancel:
      return kTryCancel;
    case OnCancel::wait_completed:
      return kWaitCancel;
    case OnCancel::abandon:
      return kAbandon;
  }
  return kTryCancel;
}

}  // namespace temporal::engine
