// SPDX-License-Identifier: MIT
#include "supervisor/children/pool_view.hpp"

#include "supervisor/children/child_pool.hpp"

namespace temporal::supervisor::children {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

std::string_view name_of(Child::State state) {
  switch (state) {
    case Child::State::starting:
      return "starting";
    case Child::State::idle:
      return "idle";
    case Child::State::busy:
      return "busy";
    case Child::State::leaving:
      return "leaving";
    case Child::State::killing:
      return "killing";
    case Child::State::gone:
      return "gone";
  }
  return "";
}

}  // namespace

ChildView Child::view(Clock::time_point now) const {
  ChildView view{.pid = pid(),
                 .incarnation = incarnation(),
                 .state = name_of(state_),
                 .age = duration_cast<milliseconds>(now - born_),
                 .tasks = task_};
  if (!attempt_) return view;
  view.activity_type = activity_type_;
  view.task_age = duration_cast<milliseconds>(now - task_since_);
  view.heartbeats = parts_.arena.heartbeat().page.sequence.load() - beats_before_;
  return view;
}

PoolView ChildPool::view() const {
  const auto now = Clock::now();
  PoolView view{.zygote = zygote_pid(),
                .generation = current_ ? current_->number() : 0,
                .wanted = processes(shares_.children()),
                .degraded = degraded_,
                .children = {},
                .last_crash = last_crash_};
  for (const auto& [incarnation, child] : children_) {
    auto& row = view.children.emplace_back(child->view(now));
    if (const auto generation = generation_of(*child)) row.generation = generation->number();
    row.offloaded = child->attempt() && child->attempt()->share_ == Share::offload;
  }
  return view;
}

}  // namespace temporal::supervisor::children
