// SPDX-License-Identifier: MIT
// refused: a view, a pointer or a reference has nothing to point to once it was decoded: take the value
#include <string>
#include <string_view>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>

#ifdef REFUSED
int measure(std::string_view text) { return static_cast<int>(text.size()); }
#else
int measure(const std::string& text) { return static_cast<int>(text.size()); }
#endif

void shop(temporal::Module& m) { m.activity<measure>(); }
