// SPDX-License-Identifier: MIT
// Names of types whose sources are not read: the language's, the standard library's and this
// library's.
#pragma once

#include <string_view>

namespace temporal::supervisor::lint {

[[nodiscard]] bool fundamental(std::string_view name);
/// Of std::chrono.
[[nodiscard]] bool duration(std::string_view name);
[[nodiscard]] bool standard_and_trivial(std::string_view name);
/// Has something to destroy where one of its arguments has.
[[nodiscard]] bool standard_and_as_its_arguments(std::string_view name);
/// As they are named after a using-directive.
[[nodiscard]] bool standard_and_constructed(std::string_view name);
/// A namespace whose classes have constructors.
[[nodiscard]] bool constructed_library(std::string_view root);
/// options.hpp asserts it of each.
[[nodiscard]] bool of_this_library_and_trivial(std::string_view name);
/// A member of this library's options.
[[nodiscard]] bool option(std::string_view name);

}  // namespace temporal::supervisor::lint
