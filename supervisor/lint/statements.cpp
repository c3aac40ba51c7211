// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "supervisor/lint/walker.hpp"

namespace temporal::supervisor::lint {

std::vector<Finding> Walker::walk() {
  outer_block(1, tokens_.size() - kAfter);
  return std::move(findings_);
}

// The first at this depth, or `end`.
std::size_t Walker::find(std::string_view mark, std::size_t begin, std::size_t end) const {
  auto i = begin;
  while (i < end && !tokens_[i].is(mark)) i = past(tokens_, i);
  return std::min(i, end);
}

// Of a file, a namespace or a class.
void Walker::outer_block(std::size_t begin, std::size_t end) {
  for (auto i = begin; i < end;) i = outer_statement(i, end);
}

std::size_t Walker::outer_statement(std::size_t i, std::size_t end) {
  const auto& token = tokens_[i];
  if (token.is("template") && tokens_[i + 1].is("<"))
    return std::max(past_angles(tokens_, i + 1), i + 2);
  if (token.is("namespace") || (token.is("extern") && tokens_[i + 2].is("{")) ||
      (token.is("inline") && tokens_[i + 1].is("namespace"))) {
    const auto stop = std::min(find(";", i, end), find("{", i, end));
    if (stop < end && tokens_[stop].is("{")) outer_block(stop + 1, tokens_[stop].match);
    return past(tokens_, stop);
  }
  if (token.begins_type()) return class_or_enum(i, end);
  if (token.kind == Token::Kind::word && tokens_[i + 1].is(":")) return i + 2;  // public:
  return function_or_variable(i, end);
}

std::size_t Walker::class_or_enum(std::size_t i, std::size_t end) {
  auto stop = i + 1;
  while (stop < end && !tokens_[stop].is("{") && !tokens_[stop].is(";") && !tokens_[stop].is("=") &&
         (!tokens_[stop].is("(") || tokens_[stop - 1].is("alignas")))
    stop = past(tokens_, stop);
  if (stop >= end || !tokens_[stop].is("{")) return function_or_variable(i, end);
  if (!tokens_[i].is("enum")) outer_block(stop + 1, tokens_[stop].match);
  return tokens_[stop].match + 1;
}

std::size_t Walker::function_or_variable(std::size_t begin, std::size_t end) {
  bool called = false;       // parameters were seen
  bool initialised = false;  // members of a constructor, after its parameters
  auto i = begin;
  for (; i < end && !tokens_[i].is(";"); i = past(tokens_, i)) {
    const auto& token = tokens_[i];
    if (token.is("=") && !tokens_[i - 1].is("operator")) {
      i = find(";", i, end);
      break;
    }
    if (tokens_[i - 1].is(")") && i > begin && token.begins_type()) return i;  // after a macro
    if (token.is("(")) called = true;
    if (token.is(":") && called) initialised = true;
    const bool member = initialised && (tokens_[i - 1].is_name() || tokens_[i - 1].is(">"));
    if (token.is("{") && called && !member) {
      function(begin, i);
      return token.match + 1;
    }
  }
  full_expression(begin, i);
  return i + 1;
}

void Walker::function(std::size_t begin, std::size_t body) {
  // A lambda keeps what it was given, with variables or without.
  const bool lambda = tokens_[begin].is("[") && !tokens_[begin + 1].is("[");
  functions_.push_back({.begin = begin, .body = body, .declares = lambda});
  block(body + 1, tokens_[body].match);
  const auto done = std::move(functions_.back());
  functions_.pop_back();
  if (done.declares) return;
  for (const int line : done.conditions)
    findings_.push_back(
        {line,
         "GCC 12 reads the coroutine's parameters, and `this`, from the wrong place after a "
         "condition that awaits, for the coroutine has no variable of its own: give the awaited "
         "value a name first, as in `const bool told = co_await ...;`"});
}

void Walker::block(std::size_t begin, std::size_t end) {
  for (auto i = begin; i < end;) i = statement(i, end);
}

std::size_t Walker::statement(std::size_t i, std::size_t end) {
  const auto& token = tokens_[i];
  if (token.is("{")) {
    block(i + 1, token.match);
    return token.match + 1;
  }
  if (token.is("else") || token.is("do") || token.is("try") || token.is(";")) return i + 1;
  if (token.is("if") || token.is("while") || token.is("switch") || token.is("for") ||
      token.is("catch"))
    return controlled(i);
  if (token.is("case") || token.is("default")) return find(":", i, end) + 1;
  if (token.is_name() && tokens_[i + 1].is(":")) return i + 2;  // a label
  const auto stop = find(";", i, end);
  if (token.begins_type() || token.is("using") || token.is("typedef")) {
    declares();
    if (const auto body = find("{", i, stop); body < stop) return class_or_enum(i, end);
    return stop + 1;
  }
  full_expression(i, stop);
  return stop + 1;
}

// Up to what it controls, which is the next statement.
std::size_t Walker::controlled(std::size_t i) {
  auto open = i + 1;
  while (!tokens_[open].is("(") && !tokens_[open].is(";") && !tokens_[open].is("{")) ++open;
  if (!tokens_[open].is("(")) return open;
  const auto close = tokens_[open].match;
  if (tokens_[i].is("catch")) {
    if (!tokens_[open + 1].is("...")) declares();
  } else if (tokens_[i].is("for")) {
    for_header(open);
  } else {
    condition(open);
  }
  return close + 1;
}

void Walker::for_header(std::size_t open) {
  const auto close = tokens_[open].match;
  const auto first = find(";", open + 1, close);
  if (first == close) {  // over a range, which is a variable too
    declares();
    full_expression(open + 1, close);
    return;
  }
  const auto second = find(";", first + 1, close);
  full_expression(open + 1, first);
  if (full_expression(first + 1, second))
    functions_.back().conditions.push_back(tokens_[open].line);
  full_expression(std::min(second + 1, close), close);
}

void Walker::condition(std::size_t open) {
  const auto close = tokens_[open].match;
  const auto first = find(";", open + 1, close);
  bool awaits = full_expression(open + 1, first);
  if (first < close) awaits = full_expression(first + 1, close);
  if (awaits) functions_.back().conditions.push_back(tokens_[open].line);
}

// True where it awaits.
bool Walker::full_expression(std::size_t begin, std::size_t end) {
  Expression expression{.declared = declaration(begin, end)};
  if (expression.declared) declares();
  scan(begin, end, expression, Place::unknown);
  if (expression.awaits == 0) return false;
  for (auto& finding : expression.findings) findings_.push_back(std::move(finding));
  return true;
}

std::optional<Walker::Declaration> Walker::declaration(std::size_t begin, std::size_t end) const {
  auto i = begin;
  while (i < end && (tokens_[i].is("const") || tokens_[i].is("constexpr") ||
                     tokens_[i].is("static") || tokens_[i].is("thread_local") ||
                     tokens_[i].is("typename") || tokens_[i].is("volatile") || tokens_[i].is("[")))
    i = past(tokens_, i);  // [[maybe_unused]]
  const auto type = i;
  if (tokens_[i].is("::")) ++i;
  if (i >= end || !tokens_[i].is_name()) return std::nullopt;
  ++i;
  while (tokens_[i].is("::") && tokens_[i + 1].is_name()) i += 2;
  if (tokens_[i].is("<")) i = past_angles(tokens_, i);
  while (tokens_[i].is_name() && tokens_[i + 1].is_name()) ++i;  // unsigned long
  while (tokens_[i].is("&") || tokens_[i].is("&&") || tokens_[i].is("*") || tokens_[i].is("const"))
    ++i;
  if (i >= end) return std::nullopt;
  if (tokens_[type].is("auto") && tokens_[i].is("[")) return Declaration{type, type};
  if (!tokens_[i].is_name()) return std::nullopt;
  const auto& next = tokens_[i + 1];
  for (const auto* mark : {"=", ";", "{", "(", "[", ",", ":", ")"})
    if (next.is(mark)) return Declaration{type, i};
  return std::nullopt;
}

}  // namespace temporal::supervisor::lint
