// SPDX-License-Identifier: MIT
#include "shared/decoded_once.hpp"

namespace temporal::detail {
namespace {

thread_local std::span<Payload> decoded_once;
thread_local std::span<const BytesView> bytes_elsewhere;

}  // namespace

DecodedOnce::DecodedOnce(Payloads& payloads, std::span<const BytesView> elsewhere) noexcept {
  decoded_once = payloads;
  bytes_elsewhere = elsewhere;
}

DecodedOnce::~DecodedOnce() {
  decoded_once = {};
  bytes_elsewhere = {};
}

Payload* DecodedOnce::find(const Payload& payload) noexcept {
  for (auto& one : decoded_once)
    if (&one == &payload) return &one;
  return nullptr;
}

BytesView DecodedOnce::bytes(const Payload& payload) noexcept {
  if (const auto* one = find(payload)) {
    const auto index = static_cast<std::size_t>(one - decoded_once.data());
    if (index < bytes_elsewhere.size() && !bytes_elsewhere[index].empty())
      return bytes_elsewhere[index];
  }
  return std::as_bytes(std::span(payload.data));
}

Payloads DecodedOnce::whole(const Payloads& payloads) {
  Payloads copies;
  copies.reserve(payloads.size());
  for (const auto& payload : payloads) {
    const auto data = bytes(payload);
    copies.push_back({payload.metadata, {reinterpret_cast<const char*>(data.data()), data.size()}});
  }
  return copies;
}

}  // namespace temporal::detail
