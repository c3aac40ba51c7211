// SPDX-License-Identifier: MIT
// A worker as an operator sees it, and what he may tell it while it runs.
#include <algorithm>
#include <chrono>
#include <utility>

#include "supervisor/children/child_pool.hpp"
#include "supervisor/queue_worker.hpp"

namespace temporal::supervisor {

namespace {

// In a view: the loop has other work, and nobody reads more.
constexpr std::size_t kMostTasks = 2'000;

LogFields json_of(const children::ChildView& child) {
  LogFields row{
      {"pid", child.pid},     {"incarnation", child.incarnation}, {"generation", child.generation},
      {"state", child.state}, {"age_ms", child.age.count()},      {"tasks", child.tasks}};
  if (child.activity_type.empty()) return row;
  row["activity_type"] = child.activity_type;
  row["offloaded"] = child.offloaded;
  row["task_ms"] = child.task_age.count();
  row["heartbeats"] = child.heartbeats;
  return row;
}

LogFields json_of(const children::PoolView& pool) {
  LogFields told{{"pid", pool.zygote},
                 {"generation", pool.generation},
                 {"wanted", pool.wanted},
                 {"degraded", pool.degraded},
                 {"last_crash", nullptr}};
  if (!pool.last_crash) return told;
  const auto& crash = *pool.last_crash;
  const auto ago = std::chrono::steady_clock::now() - crash.when;
  told["last_crash"] = {
      {"pid", crash.pid},
      {"how", crash.how},
      {"ago_ms", std::chrono::duration_cast<std::chrono::milliseconds>(ago).count()}};
  if (!crash.activity_type.empty()) told["last_crash"]["activity_type"] = crash.activity_type;
  return told;
}

}  // namespace

LogFields QueueWorker::view() {
  auto view = state();
  view["namespace"] = options_.name_space;
  view["polls"] = {{"workflow", workflow_tasks_ ? workflow_tasks_->polls() : 0},
                   {"activity", activity_tasks_ ? activity_tasks_->polls() : 0}};
  view["slots"] = {{"workflow", workflow_tasks_ ? workflow_tasks_->slots() : 0},
                   {"activity", activity_tasks_ ? activity_tasks_->slots() : 0},
                   {"local", local_calls_ ? local_calls_->places() : 0}};
  view["tasks"] = activity_tasks_ ? activity_tasks_->tasks(kMostTasks) : LogFields::array();
  view["children"] = LogFields::array();
  if (!pool()) return view;
  const auto now = pool()->view();
  for (const auto& child : now.children) view["children"].push_back(json_of(child));
  view["pool"] = json_of(now);
  return view;
}

void QueueWorker::pause_polling() {
  if (workflow_tasks_) workflow_tasks_->pause_polling();
  if (activity_tasks_) activity_tasks_->pause_polling();
}

void QueueWorker::resume_polling() {
  if (workflow_tasks_) workflow_tasks_->resume_polling();
  if (activity_tasks_) activity_tasks_->resume_polling();
}

std::vector<Attempt*> QueueWorker::tasks_named(const std::string& name) const {
  return activity_tasks_ ? activity_tasks_->named(name) : std::vector<Attempt*>();
}

std::optional<int> QueueWorker::value_of(control::Setting setting) const {
  using control::Setting;
  if (setting == Setting::children && homes_ && homes_->has_polled_children())
    return homes_->wanted_children();
  if (setting == Setting::activities && activity_tasks_) return activity_permits_->capacity();
  if (setting == Setting::workflow_tasks && workflow_tasks_) return workflow_permits_->capacity();
  if (setting == Setting::activity_pollers && activity_tasks_) return options_.activity_pollers;
  if (setting == Setting::workflow_pollers && workflow_tasks_) return options_.workflow_pollers;
  return std::nullopt;
}

void QueueWorker::set(control::Setting setting, int value) {
  const bool fewer = value < *value_of(setting);
  switch (setting) {
    case control::Setting::children:
      homes_->set_children(options_.children = value);
      break;
    case control::Setting::activities:
      activity_permits_->set_capacity(options_.max_concurrent_activities = value);
      break;
    case control::Setting::workflow_tasks:
      return workflow_permits_->set_capacity(options_.max_concurrent_workflow_tasks = value);
    case control::Setting::activity_pollers:
      return activity_tasks_->set_pollers(options_.activity_pollers = value);
    case control::Setting::workflow_pollers:
      return workflow_tasks_->set_pollers(options_.workflow_pollers = value);
  }
  if (activity_tasks_) activity_tasks_->places_changed(fewer);
}

}  // namespace temporal::supervisor
