// SPDX-License-Identifier: MIT
// Notes on a workflow that anybody may read without asking it: by name, of any type, not searchable.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "temporal/export.hpp"
#include "temporal/payload.hpp"

namespace temporal {

/// Named values. As a change of a memo, a value of `nullptr` removes its name.
class TEMPORAL_API Memo {
 public:
  using Fields = std::map<std::string, Payload>;

  Memo();
  explicit Memo(Fields fields);
  Memo(const Memo&);
  Memo(Memo&&) noexcept;
  Memo& operator=(const Memo&);
  Memo& operator=(Memo&&) noexcept;
  ~Memo();

  /// Nothing where there is none, or null. Throws DecodeError for a value of another type.
  template <class T>
  [[nodiscard]] std::optional<T> get(std::string_view name) const {
    const auto found = fields_.find(std::string(name));
    if (found == fields_.end() || found->second.encoding() == detail::kNull) return std::nullopt;
    return from_payload<T>(found->second);
  }
  template <class T>
  Memo& set(std::string_view name, const T& value) {
    fields_.insert_or_assign(std::string(name), to_payload(value));
    return *this;
  }
  Memo& set(std::string_view name, const char* text) { return set(name, std::string(text)); }

  [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }
  [[nodiscard]] bool contains(std::string_view name) const {
    return fields_.find(std::string(name)) != fields_.end();
  }
  [[nodiscard]] const Fields& fields() const noexcept { return fields_; }
  /// Takes over what `changes` sets, without what it sets to null.
  void merge(const Memo& changes);

 private:
  Fields fields_;
};

}  // namespace temporal
