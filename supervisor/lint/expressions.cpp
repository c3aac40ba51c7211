// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <utility>

#include "supervisor/lint/walker.hpp"

namespace temporal::supervisor::lint {

namespace {

// What is written in braces in calls of this library is of an options struct: a type that is
// deduced cannot be left out.
bool of_this_library(std::string_view name) {
  static constexpr std::array<std::string_view, 13> kCalls{"execute_activity",
                                                           "start_activity",
                                                           "execute_local_activity",
                                                           "start_local_activity",
                                                           "execute_child",
                                                           "start_child",
                                                           "send_signal",
                                                           "signal_with_start",
                                                           "wait_condition",
                                                           "side_effect",
                                                           "continue_as_new",
                                                           "in_child",
                                                           "to_thread"};
  return std::ranges::find(kCalls, name) != kCalls.end();
}

// Others have calls of these names too.
bool maybe_of_this_library(std::string_view name) {
  static constexpr std::array<std::string_view, 8> kCalls{
      "start", "execute", "signal", "query", "update", "cancel", "terminate", "sleep"};
  return std::ranges::find(kCalls, name) != kCalls.end();
}

std::string sentence_of(const std::string& what, Making made, bool holds_await) {
  return what + " is destroyed twice by GCC 12" +
         (made == Making::aggregate ? "" : " if it is an aggregate that owns something") +
         (holds_await ? ", for a co_await stands inside of it: give the awaited value a name first"
                      : ", for it is made inside a co_await expression: make it first, with a name "
                        "of its own");
}

}  // namespace

void Walker::scan(std::size_t begin, std::size_t end, Expression& in, Place place) {
  for (auto i = begin; i < end; i = past(tokens_, i)) {
    const auto& token = tokens_[i];
    if (token.is("co_await") || token.is("co_yield")) {
      ++in.awaits;
    } else if (token.is("?")) {
      conditional(i, end, in);
    } else if (token.is("{")) {
      braces(i, in, place);
    } else if (token.is("(")) {
      parentheses(i, in);
    } else if (token.is("[")) {
      if (const auto body = lambda_body(i, begin)) {
        i = lambda(i, *body, in);
      } else {
        scan(i + 1, token.match, in, Place::unknown);
      }
    }
  }
}

Walker::Place Walker::place_in_call(std::size_t open, bool declared) const {
  const auto callee = read_type(tokens_, name_begin(tokens_, open - 1), open);
  if (declared || callee.path.empty()) return Place::unknown;
  if (of_this_library(callee.path.back())) return Place::trivial;
  return maybe_of_this_library(callee.path.back()) ? Place::options : Place::unknown;
}

void Walker::parentheses(std::size_t open, Expression& in) {
  const auto close = tokens_[open].match;
  const auto& last = tokens_[open - 1];
  const bool declared = in.declared && in.declared->name == open - 1;
  const bool of_a_name = last.is_name() || last.is(">");
  const auto awaits = in.awaits;
  scan(open + 1, close, in, of_a_name ? place_in_call(open, declared) : Place::unknown);
  const bool holds = in.awaits > awaits;
  // One argument may be another of its kind, which is copied by a constructor.
  if (!of_a_name || find(",", open + 1, close) == close) return;
  const auto begin = name_begin(tokens_, open - 1);
  if (tokens_[begin - 1].is("new") || (declared && !holds)) return;
  const auto type = declared ? read_type(tokens_, in.declared->type, in.declared->name)
                             : read_type(tokens_, begin, open);
  if (types_.making(type) != Making::aggregate) return;
  const auto what = declared ? std::string(last.text) : type.path.back() + "(...)";
  in.findings.push_back(
      {tokens_[open].line, sentence_of("`" + what + "`", Making::aggregate, holds)});
}

void Walker::braces(std::size_t open, Expression& in, Place place) {
  const auto close = tokens_[open].match;
  const auto& last = tokens_[open - 1];
  Making made = Making::unknown;
  std::string what = "what {...} makes";
  bool named = false;  // only a co_await inside does harm
  if (last.is_name() || last.is(">")) {
    const auto begin = name_begin(tokens_, open - 1);
    named = in.declared && in.declared->name == open - 1;
    const auto type = named ? read_type(tokens_, in.declared->type, in.declared->name)
                            : read_type(tokens_, begin, open);
    const bool deduced = named && tokens_[in.declared->type].is("auto");
    made = deduced ? Making::trivial : types_.making(type);
    if (!type.path.empty()) what = "`" + type.path.back() + "{...}`";
    if (tokens_[begin - 1].is("new") && close == open + 1) made = Making::trivial;
  } else if (last.is(")")) {
    made = Making::trivial;  // a requires-expression
  } else {
    named = in.declared && last.is("=") && in.declared->name == open - 2;
    made = made_without_type(open, in, place);
  }
  if (named) what = "`" + std::string(tokens_[in.declared->name].text) + "`";
  const auto found = static_cast<std::ptrdiff_t>(in.findings.size());
  const auto awaits = in.awaits;
  const bool part = made == Making::trivial || (named && made != Making::constructed);
  scan(open + 1, close, in, part ? Place::trivial : Place::unknown);
  const bool holds = in.awaits > awaits;
  if (made == Making::trivial || made == Making::constructed || (named && !holds)) return;
  in.findings.erase(in.findings.begin() + found, in.findings.end());  // they go when this one goes
  in.findings.push_back({tokens_[open].line, sentence_of(what, made, holds)});
}

Making Walker::made_without_type(std::size_t open, const Expression& in, Place place) const {
  const bool empty = tokens_[open].match == open + 1;
  if (place == Place::trivial || (place == Place::options && empty)) return Making::trivial;
  if (in.declared && tokens_[open - 1].is("=") && in.declared->name == open - 2)
    return types_.making(read_type(tokens_, in.declared->type, in.declared->name));
  std::vector<std::string> designated;
  for (auto i = open + 1; i < tokens_[open].match; i = past(tokens_, i))
    if (tokens_[i].is(".") && (tokens_[i - 1].is("{") || tokens_[i - 1].is(",")))
      designated.emplace_back(tokens_[i + 1].text);
  return designated.empty() ? Making::unknown : types_.making(designated);
}

// c ? a : b. Two names stay what they are, everything else may make an object.
void Walker::conditional(std::size_t mark, std::size_t end, Expression& in) const {
  int depth = 0;
  auto colon = mark + 1;
  for (; colon < end; colon = past(tokens_, colon)) {
    if (tokens_[colon].is("?")) ++depth;
    if (tokens_[colon].is(":") && depth-- == 0) break;
  }
  auto stop = colon;
  while (stop < end && !tokens_[stop].is(",")) {
    const auto close = tokens_[stop].is("<") ? past_angles(tokens_, stop) : stop;
    const bool arguments = close != stop && (tokens_[close].is("(") || tokens_[close].is("{"));
    stop = arguments ? close : past(tokens_, stop);
  }
  if (stop <= colon) return;
  if (in.declared && find("?", in.declared->name, end) == mark &&
      types_.trivial(read_type(tokens_, in.declared->type, in.declared->name)))
    return;
  const auto is_name = [&](std::size_t from, std::size_t to) {
    for (auto i = from; i < to; i = past(tokens_, i))
      if (!tokens_[i].is_name() && !tokens_[i].is(".") && !tokens_[i].is("->") &&
          !tokens_[i].is("::") && !tokens_[i].is("[") && !tokens_[i].is("this") &&
          !(tokens_[i].is("*") && i == from))
        return false;
    return true;
  };
  if (is_name(mark + 1, colon) && is_name(colon + 1, stop)) return;
  const auto is_text = [&](std::size_t at) {
    return tokens_[at].kind == Token::Kind::text && tokens_[at].text.ends_with('"');
  };
  // A text and something else make a string.
  const bool texts = is_text(mark + 1) && is_text(colon + 1);
  const bool a_text = is_text(mark + 1) || is_text(colon + 1);
  const bool left = trivial_branch(mark + 1, colon);
  const bool right = trivial_branch(colon + 1, stop);
  if (a_text ? texts || (left && right) : left || right) return;
  in.findings.push_back(
      {tokens_[mark].line,
       "what ?: makes is destroyed twice by GCC 12 if it has a destructor, for it is made inside a "
       "co_await expression: give the awaited value a name first, or write if and else"});
}

bool Walker::trivial_branch(std::size_t begin, std::size_t end) const {
  if (begin >= end) return false;
  if (tokens_[begin].is("(") && tokens_[begin].match == end - 1)
    return trivial_branch(begin + 1, end - 1);
  if (tokens_[begin].is("!") || tokens_[begin].is("[")) return tokens_[begin].is("!");
  for (auto i = begin; i < end; i = past(tokens_, i))
    for (const auto* scalar : {"==", "!=", "&&", "||", "<=", ">=", "%"})
      if (tokens_[i].is(scalar)) return true;
  if (end == begin + 1) {
    const auto& token = tokens_[begin];
    if (token.is_name()) return variable(token.text, begin) == Making::trivial;
    return token.kind != Token::Kind::text || token.text.ends_with('"');
  }
  const auto& first = tokens_[begin];
  if (first.kind == Token::Kind::number || tokens_[end - 1].kind == Token::Kind::number)
    return true;
  if (first.is("-")) return trivial_branch(begin + 1, end);
  // T(...) and T{...}
  auto open = begin;
  while (open < end && !tokens_[open].is("(") && !tokens_[open].is("{"))
    open = tokens_[open].is("<") ? std::max(past_angles(tokens_, open), open + 1) : open + 1;
  if (open < end && tokens_[open].match == end - 1 && name_begin(tokens_, open - 1) == begin)
    return types_.trivial(read_type(tokens_, begin, open));
  return false;
}

}  // namespace temporal::supervisor::lint
