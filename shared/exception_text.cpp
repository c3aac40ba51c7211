// SPDX-License-Identifier: MIT
#include "shared/exception_text.hpp"

#include <cxxabi.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <typeinfo>

namespace temporal {

void describe_current_exception(std::span<char> into) noexcept {
  into[0] = '\0';
  const auto* type = abi::__cxa_current_exception_type();
  if (!type) return;
  int status = 0;
  char* name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
  const char* what = "";
  try {
    throw;
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {
  }
  std::snprintf(into.data(), into.size(), "%s: %s", status == 0 ? name : type->name(), what);
  std::free(name);
}

}  // namespace temporal
