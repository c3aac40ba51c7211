// SPDX-License-Identifier: MIT
#include "temporal/search_attributes.hpp"

#include <array>
#include <cstdio>
#include <utility>

#include "temporal/memo.hpp"

namespace temporal {

namespace {

constexpr std::array<std::string_view, 7> kTypeNames{"Text", "Keyword",  "Int",        "Double",
                                                     "Bool", "Datetime", "KeywordList"};

std::string_view name_of_type(SearchAttributeType type) {
  return kTypeNames.at(static_cast<std::size_t>(type));
}

void take_over(Memo::Fields& fields, const Memo::Fields& changes) {
  for (const auto& [name, value] : changes) {
    if (value.encoding() == detail::kNull)
      fields.erase(name);
    else
      fields.insert_or_assign(name, value);
  }
}

[[noreturn]] void refuse(const std::string& text) {
  throw DecodeError("a search attribute's value is no RFC 3339 time: '" + text + "'");
}

// Reads `digits` digits at `at`, and moves on.
int number(const std::string& text, std::size_t& at, int digits) {
  int value = 0;
  for (int i = 0; i < digits; ++i, ++at) {
    if (at >= text.size() || text[at] < '0' || text[at] > '9') refuse(text);
    value = value * 10 + (text[at] - '0');
  }
  return value;
}

void expect(const std::string& text, std::size_t& at, std::string_view any) {
  if (at >= text.size() || any.find(text[at]) == std::string_view::npos) refuse(text);
  ++at;
}

std::chrono::nanoseconds fraction(const std::string& text, std::size_t& at) {
  std::int64_t nanos = 0;
  std::int64_t unit = 100'000'000;
  if (at >= text.size() || text[at] != '.') return {};
  for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
    nanos += unit * (text[at] - '0');
  return std::chrono::nanoseconds(nanos);
}

std::chrono::minutes offset(const std::string& text, std::size_t& at) {
  if (at < text.size() && (text[at] == 'Z' || text[at] == 'z')) {
    ++at;
    return {};
  }
  const auto sign_at = at;
  expect(text, at, "+-");
  const std::chrono::hours hours(number(text, at, 2));
  expect(text, at, ":");
  const std::chrono::minutes minutes = hours + std::chrono::minutes(number(text, at, 2));
  return text[sign_at] == '-' ? -minutes : minutes;
}

}  // namespace

Memo::Memo() = default;
Memo::Memo(Fields fields) : fields_(std::move(fields)) {}
Memo::Memo(const Memo&) = default;
Memo::Memo(Memo&&) noexcept = default;
Memo& Memo::operator=(const Memo&) = default;
Memo& Memo::operator=(Memo&&) noexcept = default;
Memo::~Memo() = default;

void Memo::merge(const Memo& changes) { take_over(fields_, changes.fields_); }

SearchAttributeUpdate::SearchAttributeUpdate(std::string_view name, Payload value)
    : name_(name), value_(std::move(value)) {}
SearchAttributeUpdate::SearchAttributeUpdate(const SearchAttributeUpdate&) = default;
SearchAttributeUpdate::~SearchAttributeUpdate() = default;

SearchAttributes::SearchAttributes() = default;
SearchAttributes::SearchAttributes(Fields fields) : fields_(std::move(fields)) {}
SearchAttributes::SearchAttributes(const SearchAttributes&) = default;
SearchAttributes::SearchAttributes(SearchAttributes&&) noexcept = default;
SearchAttributes& SearchAttributes::operator=(const SearchAttributes&) = default;
SearchAttributes& SearchAttributes::operator=(SearchAttributes&&) noexcept = default;
SearchAttributes::~SearchAttributes() = default;

void SearchAttributes::add(const SearchAttributeUpdate& update) {
  fields_.insert_or_assign(update.name(), update.value());
}

void SearchAttributes::merge(const SearchAttributes& changes) {
  take_over(fields_, changes.fields_);
}

namespace detail {

Payload search_payload(nlohmann::json value, SearchAttributeType type) {
  auto payload = json_payload(value);
  payload.metadata["type"] = name_of_type(type);
  return payload;
}

nlohmann::json search_value(const Payload& payload, SearchAttributeType type) {
  const auto said = payload.metadata.find("type");
  if (said != payload.metadata.end() && said->second != name_of_type(type)) return nullptr;
  auto value = json_of(payload, typeid(nlohmann::json));
  // The server may keep one value as a list of one.
  if (type != SearchAttributeType::keyword_list && value.is_array() && value.size() == 1)
    return value.front();
  return value;
}

std::string text_of(Time time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss<nanoseconds> clock(time - day);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%09d", int(date.year()),
                unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
                int(clock.minutes().count()), int(clock.seconds().count()),
                int(clock.subseconds().count()));
  std::string stamp(text.data());
  while (stamp.back() == '0') stamp.pop_back();
  if (stamp.back() == '.') stamp.pop_back();
  return stamp + "Z";
}

Time time_from(const std::string& text) {
  using namespace std::chrono;
  std::size_t at = 0;
  const year y(number(text, at, 4));
  expect(text, at, "-");
  const month m(unsigned(number(text, at, 2)));
  expect(text, at, "-");
  const day d(unsigned(number(text, at, 2)));
  expect(text, at, "Tt ");
  const hours hour(number(text, at, 2));
  expect(text, at, ":");
  const minutes minute(number(text, at, 2));
  expect(text, at, ":");
  const seconds second(number(text, at, 2));
  const auto nanos = fraction(text, at);
  const auto zone = offset(text, at);
  const year_month_day date(y, m, d);
  // Nanoseconds hold no other years.
  if (at != text.size() || !date.ok() || y < year(1678) || y > year(2261)) refuse(text);
  return Time(sys_days(date)) + hour + minute + second + nanos - zone;
}

}  // namespace detail

}  // namespace temporal
