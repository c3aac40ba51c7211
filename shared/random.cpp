// SPDX-License-Identifier: MIT
// xoshiro256** seeded through splitmix64 (both public-domain algorithms by Blackman and Vigna).
// Frozen: runs that are under way draw the same numbers after every upgrade.
#include <array>
#include <bit>
#include <chrono>
#include <string>
#include <string_view>

#include "temporal/workflow.hpp"

namespace temporal::workflow {

Random::Random(std::uint64_t seed) noexcept {
  for (auto& word : state_) {
    std::uint64_t z = (seed += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

Random::result_type Random::operator()() noexcept {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double Random::uniform() noexcept { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

std::int64_t Random::between(std::int64_t low, std::int64_t high) noexcept {
  const auto span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  if (span == 0) return static_cast<std::int64_t>((*this)());
  // Rejection keeps it uniform; the bound makes every value of the span equally likely.
  const std::uint64_t bound = max() - max() % span;
  std::uint64_t draw = (*this)();
  while (draw >= bound) draw = (*this)();
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + draw % span);
}

namespace {

using Bytes16 = std::array<unsigned char, 16>;

void put(std::uint64_t value, int bytes, unsigned char* to) {
  for (int i = 0; i < bytes; ++i)
    to[i] = static_cast<unsigned char>(value >> (8 * (bytes - 1 - i)));
}

std::string uuid_text(Bytes16 bytes, unsigned char version) {
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | (version << 4));
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kHex[bytes[i] >> 4];
    text += kHex[bytes[i] & 15];
  }
  return text;
}

}  // namespace

std::string uuid4() {
  auto& random = workflow::random();
  Bytes16 bytes{};
  put(random(), 8, bytes.data());
  put(random(), 8, bytes.data() + 8);
  return uuid_text(bytes, 4);
}

// RFC 9562: 48 bits of milliseconds, then random ones.
std::string uuid7() {
  auto& random = workflow::random();
  const auto since =
      std::chrono::duration_cast<std::chrono::milliseconds>(now().time_since_epoch());
  Bytes16 bytes{};
  put(static_cast<std::uint64_t>(since.count()), 6, bytes.data());
  put(random(), 2, bytes.data() + 6);
  put(random(), 8, bytes.data() + 8);
  return uuid_text(bytes, 7);
}

}  // namespace temporal::workflow
