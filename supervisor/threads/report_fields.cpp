// SPDX-License-Identifier: MIT
#include "supervisor/threads/report_fields.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "supervisor/threads/symbols.hpp"

namespace temporal::supervisor {

void add_task(LogFields& to, const TaskFields& task) {
  const std::array<std::pair<const char*, std::string_view>, TaskRecord::kFields> texts{{
      {"activity_type", task.activity_type},
      {"activity_id", task.activity_id},
      {"workflow_type", task.workflow_type},
      {"workflow_id", task.workflow_id},
      {"run_id", task.run_id},
  }};
  for (const auto& [name, text] : texts)
    if (!text.empty()) to[name] = text;
  if (task.attempt > 0) to["attempt"] = task.attempt;
}

void add_snapshot(LogFields& to, const ThreadSnapshot& snapshot) {
  if (snapshot.has_task) add_task(to, snapshot.task.fields());
  to["stack"] = printed(snapshot);
}

}  // namespace temporal::supervisor
