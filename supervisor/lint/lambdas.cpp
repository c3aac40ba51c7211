// SPDX-License-Identifier: MIT
#include <algorithm>
#include <set>
#include <utility>

#include "supervisor/lint/walker.hpp"

namespace temporal::supervisor::lint {

std::optional<std::size_t> Walker::lambda_body(std::size_t open, std::size_t begin) const {
  const auto& last = tokens_[open - 1];
  if (open > begin && (last.is_name() || last.is("this") || last.is(")") || last.is("]") ||
                       last.is("}") || last.kind == Token::Kind::text))
    return std::nullopt;
  if (tokens_[open + 1].is("[")) return std::nullopt;  // an attribute
  auto i = tokens_[open].match + 1;
  if (tokens_[i].is("<")) i = past_angles(tokens_, i);
  for (; !tokens_[i].is("{"); i = past(tokens_, i)) {
    const auto& token = tokens_[i];
    if (token.is(";") || token.is(",") || token.is("=") || token.is(")") || token.is("}"))
      return std::nullopt;
    if (token.is("<")) i = std::max(past_angles(tokens_, i), i + 1) - 1;
  }
  return i;
}

// Returns the end of its body.
std::size_t Walker::lambda(std::size_t open, std::size_t body, Expression& in) {
  declares();  // as far as the compiler goes
  captures(open, body, in);
  scan(open + 1, tokens_[open].match, in, Place::unknown);
  function(open, body);
  return body;
}

void Walker::captures(std::size_t open, std::size_t body, Expression& in) const {
  const auto close = tokens_[open].match;
  for (auto begin = open + 1; begin < close;) {
    const auto end = find(",", begin, close);
    capture(begin, end, body, in);
    begin = end + 1;
  }
}

void Walker::capture(std::size_t begin, std::size_t end, std::size_t body, Expression& in) const {
  const auto report = [&](std::string_view name, Making made) {
    in.findings.push_back(
        {tokens_[begin].line,
         "the lambda's copy of `" + std::string(name) + "` is destroyed twice by GCC 12" +
             (made == Making::unknown ? " if it owns something" : "") +
             ", for the lambda is written inside a co_await expression: capture by reference, or "
             "make the lambda first, with a name of its own"});
  };
  const auto& first = tokens_[begin];
  if (first.is("&") || first.is("this")) return;
  if (first.is("*")) return report("*this", Making::unknown);
  if (first.is("=") && end == begin + 1) {  // whatever its body names
    std::set<std::string_view> seen;
    for (auto i = body; i < tokens_[body].match; ++i) {
      const auto& before = tokens_[i - 1];
      if (!tokens_[i].is_name() || before.is(".") || before.is("->") || before.is("::") ||
          tokens_[i + 1].is("::") || !seen.insert(tokens_[i].text).second)
        continue;
      const auto made = variable(tokens_[i].text, begin).value_or(Making::trivial);
      if (made != Making::trivial) return report(tokens_[i].text, made);
    }
    return;
  }
  const auto name = first.is("...") ? begin + 1 : begin;
  if (name + 1 < end && !tokens_[name + 1].is("...")) {
    const auto value = tokens_[name + 1].is("=") ? name + 2 : name + 1;
    if (!trivial_branch(value, end)) report(tokens_[name].text, Making::unknown);
    return;
  }
  const auto made = variable(tokens_[name].text, begin).value_or(Making::unknown);
  if (made != Making::trivial) report(tokens_[name].text, made);
}

std::optional<Making> Walker::variable(std::string_view name, std::size_t before) const {
  if (functions_.empty()) return std::nullopt;
  for (auto i = before - 1; i > functions_.front().begin; --i) {
    if (!tokens_[i].is(name)) continue;
    auto last = i - 1;
    while (tokens_[last].is("&") || tokens_[last].is("&&") || tokens_[last].is("*") ||
           tokens_[last].is("const"))
      --last;
    if (!tokens_[last].is_name() && !tokens_[last].is(">")) continue;
    const auto begin = name_begin(tokens_, last);
    const auto declared = declaration(begin, tokens_.size() - kAfter);
    if (!declared || declared->name != i) continue;
    // Else it may be a product, in a call.
    const bool parameter = std::ranges::any_of(
        functions_, [i](const Function& f) { return f.begin < i && i < f.body; });
    const auto& next = tokens_[i + 1];
    if (!parameter && last != i - 1 && (next.is(",") || next.is(")"))) continue;
    const auto type = read_type(tokens_, begin, i);
    if (type.indirect || !tokens_[begin].is("auto")) return types_.making(type);
    const bool number = next.is("=") && tokens_[i + 2].kind == Token::Kind::number;
    return number && tokens_[i + 3].is(";") ? Making::trivial : Making::unknown;
  }
  return std::nullopt;
}

}  // namespace temporal::supervisor::lint
