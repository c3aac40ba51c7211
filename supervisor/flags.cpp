// SPDX-License-Identifier: MIT
#include "supervisor/flags.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <vector>

namespace temporal::supervisor {

namespace {

using std::chrono::milliseconds;

std::optional<milliseconds> parse_duration(const std::string& text) {
  constexpr double kLongest = 365 * 24 * 3600e3;
  static const std::map<std::string, double> kUnits{
      {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}};
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  auto unit = kUnits.find(end);
  if (error != std::errc{} || (unit == kUnits.end() && number != 0)) return std::nullopt;
  const double scaled = number == 0 ? 0 : number * unit->second;
  if (!(scaled >= 0 && scaled <= kLongest)) return std::nullopt;  // as written, it also refuses nan
  return milliseconds{static_cast<std::int64_t>(scaled)};
}

std::string size_text(std::size_t bytes) {
  constexpr std::size_t kMebi = 1 << 20;
  return bytes > 0 && bytes % kMebi == 0 ? std::to_string(bytes / kMebi) + "M"
                                         : std::to_string(bytes);
}

std::string duration_text(milliseconds duration) {
  if (duration.count() % 1000 == 0) return std::to_string(duration.count() / 1000) + "s";
  return std::to_string(duration.count()) + "ms";
}

}  // namespace

std::optional<std::size_t> parse_size(const std::string& text) {
  static const std::map<std::string, int> kShifts{
      {"", 0}, {"k", 10}, {"m", 20}, {"g", 30}, {"t", 40}};
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit = end;
  std::ranges::transform(unit, unit.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto shift = kShifts.find(unit);
  if (error != std::errc{} || shift == kShifts.end() || number > (~std::size_t{0} >> shift->second))
    return std::nullopt;
  return number << shift->second;
}

std::string Flags::variable_of(const std::string& flag) {
  std::string name = "TEMPORAL_SUPERVISOR_";
  for (char c : flag.substr(2)) name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

CLI::Option* Flags::text(const std::string& name, const std::string& help,
                         std::function<void(const std::string&)> take) {
  return app_.add_option_function<std::string>(name, take, help)->envname(variable_of(name));
}

void Flags::duration(const std::string& name, Duration& value, const std::string& help) {
  text(name, help,
       [name, &value](const std::string& text) {
         const auto parsed = parse_duration(text);
         if (!parsed)
           throw CLI::ValidationError(name,
                                      "'" + text + "' is no duration; write 500ms, 10s, 2m or 1h");
         value = *parsed;
       })
      ->default_str(duration_text(value))
      ->type_name("DURATION");
}

void Flags::duration_or_never(const std::string& name, std::optional<Duration>& value,
                              const std::string& help) {
  text(name, help,
       [name, &value](const std::string& text) {
         value = parse_duration(text);
         if (!value && text != "never")
           throw CLI::ValidationError(
               name, "'" + text + "' is no duration; write 500ms, 10s, 2m, 1h or never");
       })
      ->default_str(value ? duration_text(*value) : "never")
      ->type_name("DURATION|never");
}

void Flags::size(const std::string& name, std::size_t& value, const std::string& help) {
  text(name, help,
       [name, &value](const std::string& text) {
         const auto parsed = parse_size(text);
         if (!parsed)
           throw CLI::ValidationError(name,
                                      "'" + text + "' is no size; write bytes, or 64K, 512M, 2G");
         value = *parsed;
       })
      ->default_str(size_text(value))
      ->type_name("SIZE");
}

CLI::Option* Flags::number_or_auto(const std::string& name, int most, const std::string& help,
                                   std::function<void(std::optional<int>)> take) {
  return text(name, help,
              [name, most, take = std::move(take)](const std::string& text) {
                int number = 0;
                if (text == "auto") return take(std::nullopt);
                if (!CLI::detail::lexical_cast(text, number) || number < 0 || number > most)
                  throw CLI::ValidationError(
                      name, "'" + text + "' is neither 0 to " + std::to_string(most) + " nor auto");
                take(number);
              })
      ->default_str("auto")
      ->type_name("N|auto");
}

void Flags::each(const std::string& name, const std::string& type, const std::string& help,
                 std::function<std::optional<std::string>(const std::string&)> take) {
  app_.add_option_function<std::vector<std::string>>(
          name,
          [name, take = std::move(take)](const std::vector<std::string>& texts) {
            for (const auto& text : texts)
              if (const auto wrong = take(text)) throw CLI::ValidationError(name, *wrong);
          },
          help)
      ->envname(variable_of(name))
      ->allow_extra_args(false)
      ->type_name(type);
}

}  // namespace temporal::supervisor
