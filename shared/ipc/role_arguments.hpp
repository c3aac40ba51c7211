// SPDX-License-Identifier: MIT
// The command line of a zygote: written by supervisor/children, read by child/entry. Nobody types
// it.
#pragma once

#include <string_view>

namespace temporal::role {

inline constexpr std::string_view kZygote = "--temporal-role=zygote";  // always the first
inline constexpr std::string_view kSocket = "--socket=";               // number of the descriptor
inline constexpr std::string_view kParent = "--parent=";               // pid of the supervisor
inline constexpr std::string_view kModule = "--module=";               // a path; may be repeated
inline constexpr std::string_view kPlainOnThreads = "--plain-on-threads";  // unless they chose
// What its children must offer, or it is of no use: each may be repeated.
inline constexpr std::string_view kNeedsActivity = "--needs-activity=";
inline constexpr std::string_view kNeedsFunction = "--needs-function=";
inline constexpr std::string_view kNeedsCatchAll = "--needs-catch-all";

}  // namespace temporal::role
