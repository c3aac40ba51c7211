// SPDX-License-Identifier: MIT
#include "temporal/payload.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <utility>

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

std::string quoted_encoding(const Payload& payload) {
  return payload.encoding().empty() ? "no encoding"
                                    : "encoding '" + std::string(payload.encoding()) + "'";
}

}  // namespace

Payload null_payload() { return make_payload(kNull, {}); }
Payload bytes_payload(std::string data) { return make_payload(kPlain, std::move(data)); }
Payload json_payload(const nlohmann::json& value) { return make_payload(kJson, value.dump()); }

nlohmann::json json_of(const Payload& payload) {
  if (payload.encoding() == kNull) return nullptr;
  if (payload.encoding() != kJson)
    throw DecodeError("a payload with " + quoted_encoding(payload) +
                      " is not JSON: read it as temporal::Bytes or temporal::Payload");
  return nlohmann::json::parse(payload.data);
}

std::string bytes_of(const Payload& payload) {
  if (payload.encoding() == kNull) return {};
  if (payload.encoding() != kPlain)
    throw DecodeError("a payload with " + quoted_encoding(payload) +
                      " is not raw bytes: read it as its own type or as temporal::Payload");
  return payload.data;
}

void throw_undecodable(const Payload& payload, std::string_view wanted, const char* reason) {
  constexpr std::size_t kShown = 100;
  throw DecodeError("a payload does not decode as " + std::string(wanted) + ": " + reason +
                    "; it holds " + payload.data.substr(0, kShown));
}

void throw_missing_argument(std::size_t index, std::size_t wanted, std::size_t given) {
  throw DecodeError("argument " + std::to_string(index + 1) + " of " + std::to_string(wanted) +
                    " is missing: only " + std::to_string(given) +
                    " were given, and only std::optional parameters may be left out");
}

std::string demangled(const std::type_info& type) {
  int status = 0;
  std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : type.name();
}

}  // namespace detail
}  // namespace temporal
