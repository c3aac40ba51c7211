// SPDX-License-Identifier: MIT
// refused: Only an activity may take a view, of bytes: temporal::BytesView, not in a std::optional
#include <cstdint>
#include <span>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>

#ifdef REFUSED
int count(std::span<const std::uint8_t> bytes) { return static_cast<int>(bytes.size()); }
#else
int count(temporal::BytesView bytes) { return static_cast<int>(bytes.size()); }
#endif

void shop(temporal::Module& m) { m.activity<count>(); }
