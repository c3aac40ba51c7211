// SPDX-License-Identifier: MIT
// Arguments of an activity are decoded once, and then nobody looks at their payloads again. So large
// ones need not be copied out of them.
#pragma once

#include "temporal/export.hpp"
#include "temporal/payload.hpp"

namespace temporal::detail {

/// While it lives, decoding one of `payloads` as Bytes on this thread takes its bytes and leaves it
/// empty. Copies of them, and all other payloads, are left alone. One at a time on a thread.
class TEMPORAL_API DecodedOnce {
 public:
  explicit DecodedOnce(Payloads& payloads) noexcept;
  ~DecodedOnce();
  DecodedOnce(const DecodedOnce&) = delete;
  DecodedOnce& operator=(const DecodedOnce&) = delete;

  /// The same payload, if it is one of those.
  [[nodiscard]] static Payload* find(const Payload& payload) noexcept;
};

}  // namespace temporal::detail
