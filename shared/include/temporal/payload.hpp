// SPDX-License-Identifier: MIT
// Values on the wire. A Payload is bytes plus the name of their encoding; to_payload and
// from_payload are the default converter of the other SDKs: binary/null for nothing, binary/plain
// for Bytes, json/plain for everything else.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "temporal/export.hpp"

namespace temporal {

/// One encoded value. `metadata["encoding"]` names the converter that can read `data`.
struct Payload {
  std::map<std::string, std::string> metadata;
  std::string data;

  /// Empty when the metadata does not say.
  [[nodiscard]] std::string_view encoding() const {
    auto found = metadata.find("encoding");
    return found == metadata.end() ? std::string_view{} : std::string_view{found->second};
  }
  bool operator==(const Payload&) const = default;
};

/// Arguments are one payload each, in order.
using Payloads = std::vector<Payload>;

/// Bytes that lie elsewhere, at any alignment. An activity that takes them so is given its argument
/// where it arrived, in a child without a copy unless its module has interceptors: they are valid
/// until it returns, in its own process and not in one that it forks. Only for parameters of
/// activities, and not in a std::optional.
using BytesView = std::span<const std::byte>;

/// Raw bytes: crosses as binary/plain, untouched. A class of its own, because a std::string is
/// text.
struct Bytes {
  std::string data;
  Bytes() = default;
  explicit Bytes(std::string bytes) : data(std::move(bytes)) {}
  /// So that they can be passed to what takes a BytesView. Valid while this is not changed.
  operator BytesView() const { return std::as_bytes(std::span(data)); }
  bool operator==(const Bytes&) const = default;
};

/// A payload that cannot be read as the type the code asks for. In a workflow it fails the task,
/// not the workflow.
class TEMPORAL_API DecodeError : public std::exception {
 public:
  explicit DecodeError(std::string message);
  ~DecodeError() override;
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

namespace detail {

inline constexpr std::string_view kNull = "binary/null";
inline constexpr std::string_view kPlain = "binary/plain";
inline constexpr std::string_view kJson = "json/plain";

TEMPORAL_API Payload null_payload();
TEMPORAL_API Payload bytes_payload(std::string data);
TEMPORAL_API Payload json_payload(const nlohmann::json& value);
/// Throws DecodeError unless the payload is json/plain or null (which reads as JSON null).
TEMPORAL_API nlohmann::json json_of(const Payload& payload, const std::type_info& wanted);
/// Throws DecodeError unless the payload is binary/plain or null (which reads as no bytes).
TEMPORAL_API std::string bytes_of(const Payload& payload);
/// The same without a copy: valid while the payload is.
TEMPORAL_API BytesView bytes_view_of(const Payload& payload);
[[noreturn]] TEMPORAL_API void throw_undecodable(const Payload& payload,
                                                 const std::type_info& wanted,
                                                 std::string_view reason);
TEMPORAL_API std::string demangled(const std::type_info& type);

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_span = false;
template <class T, std::size_t N>
inline constexpr bool is_span<std::span<T, N>> = true;

/// What only points to a value has nothing to point to once the payload is gone.
template <class T>
inline constexpr bool only_points = std::is_pointer_v<T> || std::is_reference_v<T> ||
                                    std::is_same_v<T, std::string_view> || is_span<T>;

/// nlohmann_json knows how to write it, and how to read it.
template <class T>
concept WritesAsJson = std::is_constructible_v<nlohmann::json, const T&>;
template <class T>
concept ReadsFromJson = requires(const nlohmann::json& json) {
  json.get<T>();
};

}  // namespace detail

/// Encodes one value. Throws nlohmann::json::exception for text that is not UTF-8.
template <class T>
Payload to_payload(const T& value) {
  static_assert(!detail::is_span<T>,
                "a view points to nothing once who made it has returned: give the bytes "
                "themselves, as temporal::Bytes");
  if constexpr (std::is_same_v<T, Payload>) {
    return value;
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return detail::bytes_payload(value.data);
  } else if constexpr (std::is_same_v<T, std::nullptr_t>) {
    return detail::null_payload();
  } else if constexpr (detail::is_optional<T>) {
    return value ? to_payload(*value) : detail::null_payload();
  } else {
    static_assert(detail::WritesAsJson<T>,
                  "this type does not say how it crosses as JSON: give it "
                  "NLOHMANN_DEFINE_TYPE_INTRUSIVE(Type, members...), or to_json and from_json");
    return detail::json_payload(nlohmann::json(value));
  }
}

/// Decodes one value. Throws DecodeError that names the wanted type and the encoding that was
/// found.
template <class T>
T from_payload(const Payload& payload) {
  static_assert(
      !detail::only_points<T>,
      "a view, a pointer or a reference has nothing to point to once it was decoded: take "
      "the value, as in std::string. Only an activity may take a view, of bytes: "
      "temporal::BytesView, not in a std::optional");
  if constexpr (std::is_void_v<T>) {
    return;  // whatever a foreign function returned, nobody asks for it
  } else if constexpr (std::is_same_v<T, Payload>) {
    return payload;
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return Bytes{detail::bytes_of(payload)};
  } else if constexpr (detail::is_optional<T>) {
    if (payload.encoding() == detail::kNull) return std::nullopt;
    if (payload.encoding() == detail::kJson && payload.data == "null") return std::nullopt;
    return from_payload<typename T::value_type>(payload);
  } else {
    static_assert(detail::ReadsFromJson<T>,
                  "this type does not say how it is read from JSON: give it "
                  "NLOHMANN_DEFINE_TYPE_INTRUSIVE(Type, members...), or to_json and from_json");
    try {
      const auto json = detail::json_of(payload, typeid(T));
      T value = json.get<T>();
      // get() would cut 3.7 and 2^40 to what an int holds.
      if constexpr (std::is_integral_v<T>)
        if (json != nlohmann::json(value))
          detail::throw_undecodable(payload, typeid(T), "the number does not fit");
      return value;
    } catch (const nlohmann::json::exception& error) {
      detail::throw_undecodable(payload, typeid(T), error.what());
    }
  }
}

}  // namespace temporal
