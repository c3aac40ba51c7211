// SPDX-License-Identifier: MIT
// What can be set while a worker runs, under the names of the flags.
#pragma once

#include <array>
#include <string_view>

namespace temporal::supervisor::control {

/// Of the worker of one task queue.
enum class Setting { children, activities, workflow_tasks, activity_pollers, workflow_pollers };

struct SettingRange {
  Setting setting;
  std::string_view name;
  int least;
  int most;
};

inline constexpr std::array kSettings{
    SettingRange{Setting::children, "children", 1, 1024},
    SettingRange{Setting::activities, "max-concurrent-activities", 1, 100'000},
    SettingRange{Setting::workflow_tasks, "max-concurrent-workflow-tasks", 2, 100'000},
    SettingRange{Setting::activity_pollers, "activity-pollers", 1, 1000},
    SettingRange{Setting::workflow_pollers, "workflow-pollers", 1, 1000}};

}  // namespace temporal::supervisor::control
