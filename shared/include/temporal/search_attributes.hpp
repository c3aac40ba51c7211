// SPDX-License-Identifier: MIT
// What a workflow can be searched for by. The namespace knows each name and its type; here a key
// holds both, so that a wrong type does not compile:
//
//   constexpr temporal::KeywordKey kCustomer{"CustomerId"};
//   workflow::upsert_search_attributes(kCustomer.set("ada"), kDiscount.unset());
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "temporal/export.hpp"
#include "temporal/memo.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"

namespace temporal {

enum class SearchAttributeType { text, keyword, integer, real, boolean, datetime, keyword_list };

/// A new value for a name, or its removal.
class TEMPORAL_API SearchAttributeUpdate {
 public:
  SearchAttributeUpdate(std::string_view name, Payload value);
  SearchAttributeUpdate(const SearchAttributeUpdate&);
  ~SearchAttributeUpdate();
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const Payload& value() const noexcept { return value_; }

 private:
  std::string name_;
  Payload value_;
};

namespace detail {

TEMPORAL_API Payload search_payload(nlohmann::json value, SearchAttributeType type);
/// JSON null when it is null or of another type.
TEMPORAL_API nlohmann::json search_value(const Payload& payload, SearchAttributeType type);
/// RFC 3339 in UTC, with as many digits of a second as it has.
TEMPORAL_API std::string text_of(Time time);
/// Any RFC 3339; throws DecodeError.
TEMPORAL_API Time time_from(const std::string& text);

}  // namespace detail

/// `name` is a view: keep literals in it.
template <class T, SearchAttributeType Type>
struct SearchAttributeKey {
  using Value = T;
  static constexpr SearchAttributeType kType = Type;
  std::string_view name;

  [[nodiscard]] SearchAttributeUpdate set(const T& value) const {
    if constexpr (Type == SearchAttributeType::datetime) {
      return {name, detail::search_payload(detail::text_of(value), Type)};
    } else {
      return {name, detail::search_payload(value, Type)};
    }
  }
  [[nodiscard]] SearchAttributeUpdate unset() const { return {name, detail::null_payload()}; }
};

using TextKey = SearchAttributeKey<std::string, SearchAttributeType::text>;
using KeywordKey = SearchAttributeKey<std::string, SearchAttributeType::keyword>;
using IntKey = SearchAttributeKey<std::int64_t, SearchAttributeType::integer>;
using DoubleKey = SearchAttributeKey<double, SearchAttributeType::real>;
using BoolKey = SearchAttributeKey<bool, SearchAttributeType::boolean>;
using DatetimeKey = SearchAttributeKey<Time, SearchAttributeType::datetime>;
using KeywordListKey =
    SearchAttributeKey<std::vector<std::string>, SearchAttributeType::keyword_list>;

/// Values by key, or changes of them.
class TEMPORAL_API SearchAttributes {
 public:
  using Fields = std::map<std::string, Payload>;

  SearchAttributes();
  explicit SearchAttributes(Fields fields);
  template <class... More>
  explicit SearchAttributes(const SearchAttributeUpdate& first, const More&... more)
      : SearchAttributes() {
    add(first);
    (add(more), ...);
  }
  SearchAttributes(const SearchAttributes&);
  SearchAttributes(SearchAttributes&&) noexcept;
  SearchAttributes& operator=(const SearchAttributes&);
  SearchAttributes& operator=(SearchAttributes&&) noexcept;
  ~SearchAttributes();

  /// Nothing where there is none, or one of another type. Throws DecodeError for a value that is not
  /// of the type it claims.
  template <class T, SearchAttributeType Type>
  [[nodiscard]] std::optional<T> get(const SearchAttributeKey<T, Type>& key) const {
    const auto found = fields_.find(std::string(key.name));
    if (found == fields_.end()) return std::nullopt;
    const auto value = detail::search_value(found->second, Type);
    if (value.is_null()) return std::nullopt;
    if constexpr (Type == SearchAttributeType::datetime) {
      return detail::time_from(from_payload<std::string>(detail::json_payload(value)));
    } else {
      return from_payload<T>(detail::json_payload(value));
    }
  }
  void add(const SearchAttributeUpdate& update);

  [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }
  [[nodiscard]] bool contains(std::string_view name) const {
    return fields_.find(std::string(name)) != fields_.end();
  }
  [[nodiscard]] const Fields& fields() const noexcept { return fields_; }
  /// Takes over what `changes` sets, without what it unsets.
  void merge(const SearchAttributes& changes);

 private:
  Fields fields_;
};

}  // namespace temporal
