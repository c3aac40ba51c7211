// SPDX-License-Identifier: MIT
// Arguments of an activity are decoded once, and then nobody looks at their payloads again. So large
// ones need not be copied out of them, or not into them: their bytes may lie elsewhere.
#pragma once

#include <span>

#include "temporal/export.hpp"
#include "temporal/payload.hpp"

namespace temporal::detail {

/// While it lives, decoding one of `payloads` as Bytes on this thread takes its bytes and leaves it
/// empty. Copies of them, and all other payloads, are left alone. One at a time on a thread.
/// `elsewhere`: of each payload, in order, where its bytes are if not in itself; shorter: the rest have
/// theirs. Both must outlive it.
class TEMPORAL_API DecodedOnce {
 public:
  explicit DecodedOnce(Payloads& payloads, std::span<const BytesView> elsewhere = {}) noexcept;
  ~DecodedOnce();
  DecodedOnce(const DecodedOnce&) = delete;
  DecodedOnce& operator=(const DecodedOnce&) = delete;

  /// The same payload, if it is one of those.
  [[nodiscard]] static Payload* find(const Payload& payload) noexcept;
  /// Wherever they are.
  [[nodiscard]] static BytesView bytes(const Payload& payload) noexcept;
  /// Copies of all, each with its bytes.
  [[nodiscard]] static Payloads whole(const Payloads& payloads);
};

}  // namespace temporal::detail
