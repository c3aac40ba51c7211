// SPDX-License-Identifier: MIT
#include "child/task_metrics.hpp"

#include <utility>

#include "child/child_context.hpp"

namespace temporal::child {

void TaskMetrics::record(MetricKind kind, std::string_view name, double value,
                         const MetricLabels& labels) {
  std::string key(1, static_cast<char>('0' + static_cast<int>(kind)));
  key += name;
  for (const auto& [label, text] : labels) (key += '\0').append(label).append(1, '\0') += text;
  auto& metric = unsent_[std::move(key)];
  if (metric.values_size() == 0) {
    metric.set_task(task_);
    metric.set_kind(static_cast<int>(kind));
    metric.set_name(std::string(name));
    for (const auto& [label, text] : labels) {
      metric.add_labels(label);
      metric.add_labels(text);
    }
  }
  if (kind == MetricKind::histogram || metric.values_size() == 0) {
    metric.add_values(value);
    ++values_;
  } else {
    metric.set_values(0, kind == MetricKind::counter ? metric.values(0) + value : value);
  }
  if (values_ >= kMostUnsent)
    flush();
  else
    flush_if_due();
}

void TaskMetrics::flush() {
  for (const auto& [key, metric] : unsent_) {
    const auto sent =
        surroundings_.channel.send_if_room(ipc::RecordType::metric, metric, kReservedForAnswers);
    if (sent == ipc::Send::done) continue;
    auto& dropped = surroundings_.arena.status().dropped_metrics;
    dropped.store(dropped.load() + 1);
  }
  unsent_.clear();
  values_ = 0;
  sent_ = Clock::now();
}

}  // namespace temporal::child
