// SPDX-License-Identifier: MIT
// Names on the wire, taken from the code: a function's own name, a class's own name, without their
// namespaces. What has no name of its own (anonymous namespace, template, lambda) does not compile
// unless it is given one at registration.
#pragma once

#include <string>
#include <string_view>

namespace temporal {
namespace detail {

template <auto Symbol>
consteval std::string_view raw_symbol() {
  return __PRETTY_FUNCTION__;
}

template <class Type>
consteval std::string_view raw_type() {
  return __PRETTY_FUNCTION__;
}

// GCC:   ... [with auto Symbol = shop::charge; std::string_view = ...]      Clang: ... [Symbol = &shop::charge]
consteval std::string_view after_equals(std::string_view text, std::string_view key) {
  auto begin = text.find(key);
  if (begin == std::string_view::npos) return {};
  begin += key.size();
  auto end = text.find(';', begin);
  if (end == std::string_view::npos) end = text.rfind(']');
  return text.substr(begin, end - begin);
}

// GCC: {anonymous}::f, <lambda(int)>, f<int>      Clang: (anonymous namespace)::f, (lambda at ...), f<int>
consteval bool nameless(std::string_view name) {
  for (std::string_view sign : {"{anonymous}", "(anonymous", "(lambda", "<"})
    if (name.find(sign) != std::string_view::npos) return true;
  return false;
}

consteval std::string_view last_part(std::string_view name) {
  auto colon = name.rfind(':');
  if (colon != std::string_view::npos) name = name.substr(colon + 1);
  while (!name.empty() && (name.front() == '&' || name.front() == ' ' || name.front() == '('))
    name.remove_prefix(1);
  while (!name.empty() && (name.back() == ' ' || name.back() == ')')) name.remove_suffix(1);
  return name;
}

template <auto Symbol>
consteval std::string_view full_symbol() {
  return after_equals(raw_symbol<Symbol>(), "Symbol = ");
}

template <class Type>
consteval std::string_view full_type() {
  return after_equals(raw_type<Type>(), "Type = ");
}

template <auto Symbol>
inline constexpr bool has_name = !nameless(full_symbol<Symbol>());
template <class Type>
inline constexpr bool has_type_name = !nameless(full_type<Type>());

}  // namespace detail

/// `name_of<say_hello>()` is "say_hello"; of a method, the method's own name.
template <auto Symbol>
consteval std::string_view name_of() {
  static_assert(
      detail::has_name<Symbol>,
      "a function in an anonymous namespace, a template or a lambda has no name of its own: "
      "give it one, as in m.activity<f>({.name = \"charge\"}), and call it by that: "
      "execute_activity<int>(\"charge\", options, args...)");
  return detail::last_part(detail::full_symbol<Symbol>());
}

/// `type_name_of<SayHello>()` is "SayHello".
template <class Type>
consteval std::string_view type_name_of() {
  static_assert(detail::has_type_name<Type>,
                "a class in an anonymous namespace or a template has no name of its own: "
                "give it one, as in m.workflow<W>({.name = \"Order\"}), and start it by that");
  return detail::last_part(detail::full_type<Type>());
}

namespace detail {

// Options may be given for the sake of other fields. Empty, and so refused when it is added, for
// what has no name of its own.
template <auto Symbol>
std::string own_name_unless(std::string_view given) {
  if constexpr (has_name<Symbol>) {
    return std::string(given.empty() ? name_of<Symbol>() : given);
  } else {
    return std::string(given);
  }
}

}  // namespace detail
}  // namespace temporal
