// SPDX-License-Identifier: MIT
#include "temporal/payload.hpp"

#include <cxxabi.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "shared/decoded_once.hpp"
#include "temporal/signature.hpp"

namespace temporal {

DecodeError::DecodeError(std::string message) : message_(std::move(message)) {}
DecodeError::~DecodeError() = default;

namespace detail {

InputError::~InputError() = default;

namespace {

Payload make_payload(std::string_view encoding, std::string data) {
  Payload payload;
  payload.metadata.emplace("encoding", encoding);
  payload.data = std::move(data);
  return payload;
}

}  // namespace

Payload null_payload() { return make_payload(kNull, {}); }
Payload bytes_payload(std::string data) { return make_payload(kPlain, std::move(data)); }

Payload json_payload(const nlohmann::json& value) {
  // dump() builds a writer with buffers of its own: ten times what a number takes, and what beats is a number most often.
  std::array<char, 24> digits;
  const auto written = [&](auto number) {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return std::string(digits.data(), end);
  };
  if (value.is_number_unsigned()) return make_payload(kJson, written(value.get<std::uint64_t>()));
  if (value.is_number_integer()) return make_payload(kJson, written(value.get<std::int64_t>()));
  return make_payload(kJson, value.dump());
}

nlohmann::json json_of(const Payload& payload, const std::type_info& wanted) {
  if (payload.encoding() == kNull) return nullptr;
  if (payload.encoding() != kJson)
    throw_undecodable(payload, wanted,
                      "it is not JSON, and can be read as temporal::Payload, or as temporal::Bytes "
                      "when it is binary/plain; what a codec has sealed needs that codec here too");
  return nlohmann::json::parse(payload.data);
}

namespace {

void refuse_unless_bytes(const Payload& payload) {
  if (payload.encoding() != kPlain)
    throw_undecodable(payload, typeid(Bytes),
                      "it is not raw bytes, and can be read as its own type or as "
                      "temporal::Payload");
}

}  // namespace

BytesView bytes_view_of(const Payload& payload) {
  if (payload.encoding() == kNull) return {};
  refuse_unless_bytes(payload);
  return DecodedOnce::bytes(payload);
}

std::string bytes_of(const Payload& payload) {
  if (payload.encoding() == kNull) return {};
  refuse_unless_bytes(payload);
  if (auto* taken = DecodedOnce::find(payload)) return std::move(taken->data);
  return payload.data;
}

void throw_undecodable(const Payload& payload, const std::type_info& wanted,
                       std::string_view reason) {
  constexpr std::size_t kShown = 100;
  const auto encoding = payload.encoding().empty()
                            ? "without an encoding"
                            : "of encoding " + std::string(payload.encoding());
  const bool text =
      payload.encoding() == kJson;  // else it may be anything, a terminal's controls too
  const auto bytes = DecodedOnce::bytes(payload);
  const std::string_view data(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto content = data.empty() ? "nothing"
                       : text       ? std::string(data.substr(0, kShown))
                                    : std::to_string(data.size()) + " bytes";
  throw DecodeError("a payload " + encoding + " does not decode as " + demangled(wanted) + ": " +
                    std::string(reason) + "; it holds " + content);
}

void throw_missing_argument(std::size_t index, std::size_t wanted, std::size_t given) {
  throw DecodeError("argument " + std::to_string(index + 1) + " of " + std::to_string(wanted) +
                    " is missing: only " + std::to_string(given) +
                    " were given, and only std::optional parameters may be left out");
}

void rethrow_with_place(const DecodeError& error, std::size_t index, std::size_t wanted) {
  throw DecodeError("argument " + std::to_string(index + 1) + " of " + std::to_string(wanted) +
                    ": " + error.what());
}

std::string demangled(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> found(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  if (status != 0) return type.name();
  std::string name = found.get();
  constexpr std::string_view kString =
      "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
  for (auto at = name.find(kString); at != std::string::npos; at = name.find(kString))
    name.replace(at, kString.size(), "std::string");
  for (auto at = name.find(" >"); at != std::string::npos; at = name.find(" >")) name.erase(at, 1);
  return name;
}

}  // namespace detail
}  // namespace temporal
