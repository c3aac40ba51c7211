// SPDX-License-Identifier: MIT
#include "supervisor/lint/tokens.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace temporal::supervisor::lint {

namespace {

bool begins_word(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool continues_word(char c) { return begins_word(c) || (c >= '0' && c <= '9'); }
bool digit(char c) { return c >= '0' && c <= '9'; }

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Source read() {
    add(Token::Kind::mark, ";");
    while (at_ < text_.size()) step();
    for (std::size_t i = 0; i < kAfter; ++i) add(Token::Kind::mark, ";");
    if (!open_.empty()) {
      const auto& bracket = source_.tokens[open_.back()];
      throw SourceError(std::to_string(bracket.line) + ": '" + std::string(bracket.text) +
                        "' is never closed");
    }
    return std::move(source_);
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] bool comes(std::string_view what) const {
    return text_.substr(at_).starts_with(what);
  }

  void step() {
    const char c = peek();
    if (c == '\n') {
      ++line_;
      line_is_empty_ = true;
      ++at_;
    } else if (std::isspace(static_cast<unsigned char>(c)) != 0 || c == '\\') {
      ++at_;
    } else if (comes("//")) {
      comment(text_.find('\n', at_));
    } else if (comes("/*")) {
      const auto end = text_.find("*/", at_ + 2);
      comment(end == std::string_view::npos ? end : end + 2);
    } else if (c == '#' && line_is_empty_) {
      directive();
    } else {
      line_is_empty_ = false;
      token(c);
    }
  }

  // Up to `end`, counting lines.
  std::string_view take(std::size_t end) {
    const auto taken = text_.substr(at_, end == std::string_view::npos ? end : end - at_);
    line_ += static_cast<int>(std::ranges::count(taken, '\n'));
    at_ += taken.size();
    return taken;
  }

  void comment(std::size_t end) {
    const int line = line_;
    if (take(end).find("lint: safe") != std::string_view::npos) source_.silenced.insert(line);
  }

  void directive() {
    auto end = at_;
    do {
      end = text_.find('\n', end + 1);
    } while (end != std::string_view::npos && text_[end - 1] == '\\');
    const auto line = take(end);
    const auto first = line.find_first_not_of("# \t");
    if (first == std::string_view::npos || !line.substr(first).starts_with("include")) return;
    const auto open = line.find('"');
    const auto close = line.find('"', open + 1);
    if (close != std::string_view::npos)
      source_.includes.emplace_back(line.substr(open + 1, close - open - 1));
  }

  void token(char c) {
    if (c == '"') return literal(at_, '"', Token::Kind::text);
    if (c == '\'') return literal(at_, '\'', Token::Kind::character);
    if (digit(c) || (c == '.' && digit(peek(1)))) return number();
    if (begins_word(c)) return word();
    mark();
  }

  void word() {
    auto end = at_;
    while (end < text_.size() && continues_word(text_[end])) ++end;
    static constexpr std::array<std::string_view, 9> kPrefixes{"R", "u8R", "uR", "UR", "LR",
                                                               "u", "u8",  "U",  "L"};
    const auto word = text_.substr(at_, end - at_);
    if (end < text_.size() && (text_[end] == '"' || text_[end] == '\'') &&
        std::ranges::find(kPrefixes, word) != kPrefixes.end()) {
      if (text_[end] == '\'') return literal(end, '\'', Token::Kind::character);
      return word.ends_with('R') ? raw_text(end) : literal(end, '"', Token::Kind::text);
    }
    add_until(Token::Kind::word, end);
  }

  void number() {
    auto end = at_;
    while (end < text_.size()) {
      const char c = text_[end];
      const bool sign = (c == '+' || c == '-') && end > at_ &&
                        std::string_view("eEpP").find(text_[end - 1]) != std::string_view::npos &&
                        !text_.substr(at_).starts_with("0x");
      if (!continues_word(c) && c != '.' && c != '\'' && !sign) break;
      ++end;
    }
    add_until(Token::Kind::number, end);
  }

  void literal(std::size_t quote, char closing, Token::Kind kind) {
    auto end = quote + 1;
    while (end < text_.size() && text_[end] != closing && text_[end] != '\n')
      end += text_[end] == '\\' ? 2 : 1;
    suffix(end + 1, kind);
  }

  void raw_text(std::size_t quote) {
    const auto open = text_.find('(', quote);
    if (open == std::string_view::npos) return add_until(Token::Kind::text, text_.size());
    const auto closing = ")" + std::string(text_.substr(quote + 1, open - quote - 1)) + "\"";
    const auto end = text_.find(closing, open);
    suffix(end == std::string_view::npos ? text_.size() : end + closing.size(), Token::Kind::text);
  }

  void suffix(std::size_t end, Token::Kind kind) {
    end = std::min(end, text_.size());
    while (end < text_.size() && continues_word(text_[end])) ++end;
    add_until(kind, end);
  }

  // Angles stand alone, for they may be brackets.
  void mark() {
    static constexpr std::array<std::string_view, 17> kLong{
        "...", "::", "->", "&&", "||", "==", "!=", "<=", ">=",
        "+=",  "-=", "*=", "/=", "%=", "|=", "&=", "^="};
    const auto* found = std::ranges::find_if(kLong, [this](auto mark) { return comes(mark); });
    add_until(Token::Kind::mark, at_ + (found == kLong.end() ? 1 : found->size()));
  }

  void add_until(Token::Kind kind, std::size_t end) {
    const int line = line_;
    add(kind, take(end), line);
  }
  void add(Token::Kind kind, std::string_view text) { add(kind, text, line_); }
  void add(Token::Kind kind, std::string_view text, int line) {
    auto& tokens = source_.tokens;
    tokens.push_back({kind, text, line});
    if (kind != Token::Kind::mark) return;
    if (text == "(" || text == "[" || text == "{") {
      open_.push_back(tokens.size() - 1);
    } else if (text == ")" || text == "]" || text == "}") {
      const std::string_view wanted = text == ")" ? "(" : text == "]" ? "[" : "{";
      if (open_.empty() || !tokens[open_.back()].is(wanted))
        throw SourceError(std::to_string(line) + ": '" + std::string(text) + "' closes nothing");
      tokens.back().match = open_.back();
      tokens[open_.back()].match = tokens.size() - 1;
      open_.pop_back();
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_is_empty_ = true;
  std::vector<std::size_t> open_{};
  Source source_{};
};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

bool Token::is_operator_word() const {
  static constexpr std::array<std::string_view, 22> kWords{
      "co_await", "co_return", "co_yield", "return", "throw", "new",    "delete", "else",
      "case",     "goto",      "and",      "or",     "not",   "sizeof", "typeid", "requires",
      "do",       "operator",  "if",       "while",  "for",   "switch"};
  return kind == Kind::word && among(kWords, text);
}

bool Token::is_name() const {
  static constexpr std::array<std::string_view, 20> kWords{
      "const", "constexpr", "volatile", "static",   "mutable",  "inline",      "typename",
      "this",  "true",      "false",    "nullptr",  "class",    "struct",      "enum",
      "union", "using",     "typedef",  "noexcept", "template", "thread_local"};
  return kind == Kind::word && !is_operator_word() && !among(kWords, text);
}

Source read_source(std::string_view text) { return Reader(text).read(); }

std::size_t past(const Tokens& tokens, std::size_t i) {
  return tokens[i].match > i ? tokens[i].match + 1 : i + 1;
}

std::size_t past_angles(const Tokens& tokens, std::size_t open) {
  int depth = 0;
  for (auto i = open; i < tokens.size(); i = past(tokens, i)) {
    const auto& token = tokens[i];
    if (token.is("<")) ++depth;
    if (token.is(">") && --depth == 0) return i + 1;
    if (token.is(";") || token.is(")") || token.is("]") || token.is("}")) break;
  }
  return open;
}

std::size_t name_begin(const Tokens& tokens, std::size_t last) {
  auto i = last;
  for (;;) {
    if (tokens[i].is(">")) {
      int depth = 0;
      auto open = i;
      for (; open > 0; --open) {
        const auto& token = tokens[open];
        if (token.match > open || token.is(";")) return last;  // it was a comparison
        if (token.match != 0) {
          open = token.match;
        } else if (token.is(">")) {
          ++depth;
        } else if (token.is("<") && --depth == 0) {
          break;
        }
      }
      if (open == 0 || tokens[open - 1].kind != Token::Kind::word) return last;
      i = open - 1;
    }
    if (!tokens[i - 1].is("::")) return i;
    if (!tokens[i - 2].is_name() && !tokens[i - 2].is(">")) return i - 1;
    i -= 2;
  }
}

}  // namespace temporal::supervisor::lint
