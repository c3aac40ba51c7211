// SPDX-License-Identifier: MIT
// A ring with both ends in this process, on plain memory that a test may also spoil.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "shared/ipc/ring.hpp"

namespace temporal::ipc::test {

inline constexpr std::uint16_t kPlain = 1;
inline constexpr std::uint16_t kChecked = 2;
inline constexpr std::array<RecordRule, 3> kRules{RecordRule{}, RecordRule{3000, true, false},
                                                  RecordRule{1000, true, true}};
inline constexpr std::uint32_t kEpoch = 7;

inline std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::string_view text(const Record& record) {
  return {reinterpret_cast<const char*>(record.payload.data()), record.payload.size()};
}

struct RingFixture {
  explicit RingFixture(std::uint32_t capacity = kPage)
      : size(capacity), memory(new (std::align_val_t{64}) std::byte[capacity]{}) {}
  ~RingFixture() { ::operator delete[](memory, std::align_val_t{64}); }
  RingFixture(const RingFixture&) = delete;
  RingFixture& operator=(const RingFixture&) = delete;

  std::uint32_t size;
  std::byte* memory;
  SharedWord tail{0};
  SharedWord head{0};
  RingProducer producer{memory, size, tail, head, kEpoch, kRules};
  RingConsumer consumer{memory, size, tail, head, kEpoch, kRules};
};

}  // namespace temporal::ipc::test
