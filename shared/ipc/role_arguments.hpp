// SPDX-License-Identifier: MIT
// The command line of a zygote, written by supervisor/children, and that of a child which its zygote
// has not forked but executed; both are read by child/entry. Nobody types them. And the exit codes by which they tell why they end.
#pragma once

#include <string_view>

namespace temporal::role {

inline constexpr std::string_view kZygote = "--temporal-role=zygote";  // always the first
inline constexpr std::string_view kChild = "--temporal-role=child";    // the same
inline constexpr std::string_view kSocket = "--socket=";               // number of the descriptor
inline constexpr std::string_view kParent = "--parent=";               // pid of the supervisor
inline constexpr std::string_view kModule = "--module=";               // a path; may be repeated
inline constexpr std::string_view kPlainOnThreads = "--plain-on-threads";  // unless they chose
inline constexpr std::string_view kExecChildren = "--exec-children";       // they load the modules
// A child's: numbers of its six descriptors, by commas, and its Spawn: nice, oom_score_adj, largest
// bulk, memory, core, the last -1 for none.
inline constexpr std::string_view kDescriptors = "--descriptors=";
inline constexpr std::string_view kSpawn = "--spawn=";
inline constexpr std::string_view kCgroup = "--cgroup=";  // a path; not there: none of its own
// What its children must offer, or it is of no use: each may be repeated.
inline constexpr std::string_view kNeedsActivity = "--needs-activity=";
inline constexpr std::string_view kNeedsFunction = "--needs-function=";
inline constexpr std::string_view kNeedsCatchAll = "--needs-catch-all";

inline constexpr int kExitModule = 3;  ///< a module could not be loaded
inline constexpr int kExitArena = 4;   ///< the arena was refused, or its ring is corrupt
inline constexpr int kExitQuit = 155;  ///< told to leave, with nothing in hand

}  // namespace temporal::role
