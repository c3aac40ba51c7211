// SPDX-License-Identifier: MIT
// The seed of a run's random numbers: SipHash-1-3 with a zero key (Aumasson and Bernstein), as
// other SDKs compute it.
#pragma once

#include <cstdint>
#include <string_view>

namespace temporal::engine {

[[nodiscard]] std::uint64_t siphash13(std::string_view bytes) noexcept;
/// Of the run id and one byte 0xFF, which is how Rust hashes a string.
[[nodiscard]] std::uint64_t randomness_seed(std::string_view run_id);

}  // namespace temporal::engine
