// SPDX-License-Identifier: MIT
// The kinds of flags there are: how each is written, what it says of a value it cannot read, and how --help shows its
// default. Every flag has an environment variable of its name.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace temporal::supervisor {

/// Bytes, or K, M, G of them; nothing for what is no size.
[[nodiscard]] std::optional<std::size_t> parse_size(const std::string& text);

class Flags {
 protected:
  using Duration = std::chrono::milliseconds;

  explicit Flags(const std::string& description) : app_(description) {}

  template <class T>
  CLI::Option* flag(const std::string& name, T& value, const std::string& help) {
    return app_.add_option(name, value, help)->envname(variable_of(name));
  }
  CLI::Option* on_off(const std::string& name, bool& value, const std::string& help) {
    return app_.add_flag(name, value, help)->envname(variable_of(name));
  }
  void duration(const std::string& name, Duration& value, const std::string& help);
  void duration_or_never(const std::string& name, std::optional<Duration>& value,
                         const std::string& help);
  /// Bytes.
  void size(const std::string& name, std::size_t& value, const std::string& help);
  /// `take` gets the number, or nothing for auto.
  CLI::Option* number_or_auto(const std::string& name, int most, const std::string& help,
                              std::function<void(std::optional<int>)> take);
  /// `standard`: the choice that is the default.
  template <class T>
  void choice(const std::string& name, T& value, std::map<std::string, T> choices,
              const std::string& standard, const std::string& help) {
    text(name, help, [name, &value, choices = std::move(choices)](const std::string& text) {
      const auto found = choices.find(text);
      if (found == choices.end())
        throw CLI::ValidationError(name, "'" + text + "' is not among its choices");
      value = found->second;
    })->default_str(standard);
  }
  /// Repeatable. `take` says what is wrong with a text, or nothing.
  void each(const std::string& name, const std::string& type, const std::string& help,
            std::function<std::optional<std::string>(const std::string&)> take);
  /// `take` throws CLI::ValidationError.
  CLI::Option* text(const std::string& name, const std::string& help,
                    std::function<void(const std::string&)> take);

  static std::string variable_of(const std::string& flag);

  CLI::App app_;
};

}  // namespace temporal::supervisor
