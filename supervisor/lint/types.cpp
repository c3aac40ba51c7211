// SPDX-License-Identifier: MIT
#include "supervisor/lint/types.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "supervisor/lint/known_names.hpp"

namespace temporal::supervisor::lint {

namespace {

constexpr int kDeepest = 20;  // a class that holds itself does not compile, but may be read

}  // namespace

Type read_type(const Tokens& tokens, std::size_t begin, std::size_t end) {
  Type type;
  for (auto i = begin; i < end; i = past(tokens, i)) {
    const auto& token = tokens[i];
    if (token.is("*")) {
      type.indirect = true;
    } else if (token.is("<") && !type.path.empty()) {
      const auto close = past_angles(tokens, i);
      if (close == i || close > end) return {};
      type.arguments.clear();
      auto first = i + 1;
      for (auto j = first; j < close;
           j = tokens[j].is("<") ? past_angles(tokens, j) : past(tokens, j)) {
        if (!tokens[j].is(",") && j + 1 != close) continue;
        type.arguments.push_back(read_type(tokens, first, j));
        first = j + 1;
      }
      i = close - 1;
    } else if (token.is_name()) {
      if (i > begin && !tokens[i - 1].is("::") && !type.path.empty()) continue;  // unsigned long
      type.path.emplace_back(token.text);
    }
  }
  return type;
}

void Types::learn(const Source& source) {
  const auto& tokens = source.tokens;
  for (std::size_t i = 1; i + kAfter < tokens.size(); ++i) {
    if (tokens[i].is("enum")) {
      auto name = i + 1;
      if (tokens[name].is("class") || tokens[name].is("struct")) ++name;
      if (tokens[name].is_name()) enums_.emplace(tokens[name].text);
      i = name;
    } else if (tokens[i].begins_type()) {
      learn_class(tokens, i);
    } else if (tokens[i].is("using") || tokens[i].is("namespace")) {
      learn_alias(tokens, i);
    }
  }
}

void Types::learn_alias(const Tokens& tokens, std::size_t i) {
  auto end = i;
  while (!tokens[end].is(";") && !tokens[end].is("{")) end = past(tokens, end);
  if (!tokens[end].is(";") || tokens[i + 1].is("namespace")) return;
  if (tokens[i + 2].is("=")) {
    aliases_[std::string(tokens[i + 1].text)] = read_type(tokens, i + 3, end);
  } else if (tokens[i].is("using") && tokens[end - 1].is_name()) {
    aliases_[std::string(tokens[end - 1].text)] = read_type(tokens, i + 1, end);
  }
}

void Types::learn_class(const Tokens& tokens, std::size_t i) {
  auto body = i + 1;
  std::size_t name = 0;
  std::size_t bases = 0;
  for (; !tokens[body].is("{"); body = past(tokens, body)) {
    const auto& token = tokens[body];
    if (token.is(":")) bases = body + 1;
    if (token.is_name() && !token.is("final") && bases == 0) name = body;
    // A forward declaration, a parameter of a template, or the type of something.
    if (token.is(";") || token.is("=") || token.is(">") || token.is(",") || token.is(")"))
      if (bases == 0) return;
    if (token.is(";")) return;
  }
  if (name == 0) return;
  Definition definition;
  for (auto j = bases; bases != 0 && j < body;) {
    auto end = j;
    while (end < body && !tokens[end].is(","))
      end = tokens[end].is("<") ? std::max(past_angles(tokens, end), end + 1) : past(tokens, end);
    if (tokens[j].is("public")) ++j;
    definition.parts.push_back(read_type(tokens, j, end));
    j = end + 1;
  }
  learn_members(tokens, body, tokens[name].text, tokens[i].is("class"), definition);
  classes_.emplace(tokens[name].text, std::move(definition));
}

void Types::learn_members(const Tokens& tokens, std::size_t body, std::string_view name,
                          bool is_private, Definition& into) {
  const auto end = tokens[body].match;
  for (auto begin = body + 1; begin < end;) {
    if (tokens[begin + 1].is(":") && tokens[begin].kind == Token::Kind::word) {
      is_private = !tokens[begin].is("public");
      begin += 2;
      continue;
    }
    auto i = begin;
    bool function = false;  // or a constructor
    for (; i < end && !tokens[i].is(";"); i = past(tokens, i)) {
      const auto& token = tokens[i];
      if (token.is("(")) {
        function = true;
        const bool of_its_name = tokens[i - 1].is(name);
        const bool destroys = of_its_name && tokens[i - 2].is("~");
        into.destructor = into.destructor || destroys;
        if (of_its_name && !destroys) into.aggregate = false;
      } else if (token.is("<") || (token.is("=") && tokens[i - 1].is("operator"))) {
        i = std::max(past_angles(tokens, i), i + 1) - 1;
      } else if (token.is("=") && !function) {
        while (i + 1 < end && !tokens[i + 1].is(";")) i = past(tokens, i + 1) - 1;
      } else if (token.is("{") && function && !tokens[token.match + 1].is(",") &&
                 !tokens[token.match + 1].is("{")) {
        i = token.match;  // its body, which no semicolon follows
        break;
      }
    }
    if (tokens[begin].is("virtual")) into.aggregate = false;
    const auto before = into.parts.size();
    if (!function) learn_member(tokens, begin, i, into);
    if (is_private && into.parts.size() > before) into.aggregate = false;
    begin = i + 1;
  }
}

// `begin` to `end` is no function.
void Types::learn_member(const Tokens& tokens, std::size_t begin, std::size_t end,
                         Definition& into) {
  static constexpr std::array<std::string_view, 11> kNoMember{
      "using", "typedef", "static",   "friend",        "enum",  "struct",
      "class", "union",   "template", "static_assert", "public"};
  if (begin >= end) return;
  if (tokens[begin].is("using") && tokens[end - 1].is(tokens[end - 3].text))
    into.aggregate = false;  // inherited constructors
  if (std::ranges::find(kNoMember, tokens[begin].text) != kNoMember.end()) return;
  auto stop = begin;
  while (stop < end && !tokens[stop].is("=") && !tokens[stop].is("{") && !tokens[stop].is("[") &&
         !tokens[stop].is(",") && !tokens[stop].is(":"))
    stop = tokens[stop].is("<") ? std::max(past_angles(tokens, stop), stop + 1) : stop + 1;
  if (stop < begin + 2 || !tokens[stop - 1].is_name()) return;
  into.parts.push_back(read_type(tokens, begin, stop - 1));
  into.members.emplace_back(tokens[stop - 1].text);
}

Type Types::expanded(Type type) const {
  for (int i = 0; i < kDeepest && !type.path.empty(); ++i) {
    const auto found = aliases_.find(type.path.front());
    if (found == aliases_.end() || found->second.path.empty() || found->second.path == type.path)
      break;
    auto next = found->second;
    if (type.path.size() > 1) {
      next.path.insert(next.path.end(), type.path.begin() + 1, type.path.end());
      next.arguments = type.arguments;
    } else if (next.arguments.empty()) {
      next.arguments = type.arguments;
    }
    next.indirect = next.indirect || type.indirect;
    type = std::move(next);
  }
  return type;
}

Making Types::making(const Definition& definition, int depth) const {
  auto worst = definition.destructor ? Making::aggregate : Making::trivial;
  for (const auto& part : definition.parts) {
    const auto made = making(part, depth + 1);
    worst = std::max(worst, made == Making::constructed ? Making::aggregate : made);
  }
  if (worst == Making::trivial) return worst;
  return definition.aggregate ? worst : Making::constructed;
}

Making Types::making(const Type& written, int depth) const {
  if (depth > kDeepest || written.path.empty()) return Making::unknown;
  if (written.indirect) return Making::trivial;
  const auto type = expanded(written);
  if (type.indirect) return Making::trivial;
  const auto& root = type.path.front();
  const auto& name = type.path.back();
  const bool in_library = type.path.size() > 1 && constructed_library(root);
  if (!in_library) {
    if (enums_.contains(name)) return Making::trivial;
    const auto [first, last] = classes_.equal_range(name);
    auto worst = Making::trivial;
    for (auto i = first; i != last; ++i) worst = std::max(worst, making(i->second, depth));
    if (first != last) return worst;
    if (of_this_library_and_trivial(name)) return Making::trivial;
  }
  if (in_library ? root == "std" : type.path.size() == 1) {
    if (fundamental(name) || duration(name) || standard_and_trivial(name)) return Making::trivial;
    if (standard_and_as_its_arguments(name) && !type.arguments.empty() &&
        std::ranges::all_of(type.arguments, [&](const Type& argument) {
          return argument.path.empty() || making(argument, depth + 1) == Making::trivial;
        }))
      return Making::trivial;
    if (name == "array") return Making::aggregate;
    if (in_library && type.path[1] == "chrono") return Making::trivial;
    if (!in_library && standard_and_constructed(name)) return Making::constructed;
  }
  if (type.path.size() > 1 && type.path[type.path.size() - 2] == "chrono") return Making::trivial;
  return in_library ? Making::constructed : Making::unknown;
}

Making Types::making(const std::vector<std::string>& designated) const {
  auto worst = Making::trivial;
  bool found = false;
  for (const auto& [name, definition] : classes_) {
    if (!std::ranges::all_of(designated, [&](const std::string& member) {
          return std::ranges::find(definition.members, member) != definition.members.end();
        }))
      continue;
    found = true;
    worst = std::max(worst, making(definition, 0));
  }
  if (found) return worst;
  return std::ranges::all_of(designated, option) ? Making::trivial : Making::unknown;
}

}  // namespace temporal::supervisor::lint
