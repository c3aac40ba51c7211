// SPDX-License-Identifier: MIT
// C++ source text as words, literals and marks; comments and preprocessor lines are left out. Both
// branches of an #if are read.
#pragma once

#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace temporal::supervisor::lint {

struct Token {
  enum class Kind { word, number, text, character, mark };
  Kind kind = Kind::mark;
  std::string_view text{};
  int line = 0;
  std::size_t match = 0;  ///< of a bracket: where its other half is

  [[nodiscard]] bool is(std::string_view other) const { return text == other; }
  /// A class, an enum or the like.
  [[nodiscard]] bool begins_type() const {
    return is("struct") || is("class") || is("union") || is("enum");
  }
  /// A word that a program may give to something.
  [[nodiscard]] bool is_name() const;
  /// What an expression may follow, as `co_return` or `new`.
  [[nodiscard]] bool is_operator_word() const;
};

using Tokens = std::vector<Token>;

/// So far may be looked ahead from any token of a text.
inline constexpr std::size_t kAfter = 3;

struct Source {
  Tokens tokens{};  ///< with a `;` that stands nowhere at the begin, and kAfter of them at the end
  std::set<int> silenced{};             ///< lines with a comment `lint: safe`
  std::vector<std::string> includes{};  ///< as written between quotes
};

/// Brackets that do not close. what() says where.
class SourceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The tokens are views of `text`.
[[nodiscard]] Source read_source(std::string_view text);

/// Past the `>` that closes the `<` at `open`; `open` where it closes none.
[[nodiscard]] std::size_t past_angles(const Tokens& tokens, std::size_t open);

/// Where a name that may be qualified, and ends at `last` with a word or with `>`, begins.
[[nodiscard]] std::size_t name_begin(const Tokens& tokens, std::size_t last);

/// Past what stands at `i`: past the closing half of a bracket, past anything else by one.
[[nodiscard]] std::size_t past(const Tokens& tokens, std::size_t i);

}  // namespace temporal::supervisor::lint
