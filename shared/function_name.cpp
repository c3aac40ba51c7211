// SPDX-License-Identifier: MIT
#include "shared/function_name.hpp"

namespace temporal {

std::string_view qualified_name(std::string_view function) {
  constexpr std::string_view kAnonymous = "(anonymous namespace)", kCall = "operator()";
  std::size_t start = 0;
  int depth = 0;
  for (std::size_t i = 0; i < function.size(); ++i) {
    const auto rest = function.substr(i);
    if (rest.starts_with(kAnonymous)) {
      i += kAnonymous.size() - 1;
    } else if (rest.starts_with(kCall)) {
      i += kCall.size() - 1;
    } else if (function[i] == '<' || function[i] == '{') {
      ++depth;
    } else if (function[i] == '>' || function[i] == '}') {
      --depth;
    } else if (depth == 0 && function[i] == ' ') {
      start = i + 1;
    } else if (depth == 0 && function[i] == '(') {
      return function.substr(start, i - start);
    }
  }
  return function.substr(start);
}

}  // namespace temporal
