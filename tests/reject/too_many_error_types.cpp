// SPDX-License-Identifier: MIT
// refused: a retry policy lists at most eight error types
#include <temporal/options.hpp>

#ifdef REFUSED
constexpr auto kTypes = temporal::error_types("1", "2", "3", "4", "5", "6", "7", "8", "9");
#else
constexpr auto kTypes = temporal::error_types("1", "2", "3", "4", "5", "6", "7", "8");
#endif
static_assert(kTypes.count == 8);
