// SPDX-License-Identifier: MIT
#include "shared/decoded_once.hpp"

#include <span>

namespace temporal::detail {
namespace {

thread_local std::span<Payload> decoded_once;

}  // namespace

DecodedOnce::DecodedOnce(Payloads& payloads) noexcept { decoded_once = payloads; }
DecodedOnce::~DecodedOnce() { decoded_once = {}; }

Payload* DecodedOnce::find(const Payload& payload) noexcept {
  for (auto& one : decoded_once)
    if (&one == &payload) return &one;
  return nullptr;
}

}  // namespace temporal::detail
