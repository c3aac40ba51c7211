// SPDX-License-Identifier: MIT
// A zygote that is killed cannot clean up behind itself: what was below it comes to this process, alive or dead, beside children that
// are none of its business. This knows whose they were.
//
//  it carries the zygote's mark in its environment    whatever group or session it made for itself; the dead carry none
//  it is in the group of a child of the zygote        killed with its leader, before anybody could look
//  it is dead and has a child's name                  forked just before the zygote could say so
#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace temporal::supervisor::children {

/// The processes, alive or dead, whose parent this one is; of all its threads, because an orphan is given to any of them.
[[nodiscard]] std::vector<pid_t> own_children();

/// Thread rule: core loop only.
class Orphans {
 public:
  /// The variable that marks a zygote and all below it, without its value.
  static constexpr std::string_view kMark = "TEMPORAL_ZYGOTE=";

  Orphans();
  /// To be put into the zygote's environment.
  [[nodiscard]] const std::string& mark() const { return mark_; }
  /// The process groups of the zygote and of its children: whoever is in one was started by it, dead or alive.
  void add_group(pid_t leader) { groups_.insert(leader); }
  void forget_group(pid_t leader) { groups_.erase(leader); }

  /// After the zygote's death: kills and reaps all but `spared`. Returns how many are still there; to be repeated until nobody
  /// else can arrive.
  int kill(const std::set<pid_t>& spared);

 private:
  [[nodiscard]] bool left_by_it(pid_t pid) const;

  std::string mark_;
  std::set<pid_t> groups_;
  std::set<pid_t> killed_;
};

}  // namespace temporal::supervisor::children
