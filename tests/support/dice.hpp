// SPDX-License-Identifier: MIT
// Chance that can be repeated: the same numbers for the same seed, with every standard library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace temporal::testing {

/// splitmix64.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 1) {}

  std::uint64_t roll() {
    auto z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// 0 to n - 1; 0 for an n of 0.
  std::size_t below(std::size_t n) { return n == 0 ? 0 : std::size_t(roll() % n); }
  /// Both included.
  int between(int low, int high) { return low + int(below(std::size_t(high - low + 1))); }
  bool one_in(std::size_t n) { return below(n) == 0; }

  /// Takes one out; the others keep their order.
  template <class List>
  typename List::value_type draw(List& list) {
    const auto at = list.begin() + std::ptrdiff_t(below(list.size()));
    auto drawn = std::move(*at);
    list.erase(at);
    return drawn;
  }

 private:
  std::uint64_t state_;
};

}  // namespace temporal::testing
