// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace temporal {

/// The scope and name in what compilers write of a function: without return type, arguments and template arguments.
[[nodiscard]] std::string_view qualified_name(std::string_view function);

}  // namespace temporal
