// SPDX-License-Identifier: MIT
#include "supervisor/observe/user_metrics.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "temporal/unsafe.hpp"

namespace temporal::supervisor {

namespace {

// Above it a double no longer counts by ones.
constexpr double kLargestCount = 9'007'199'254'740'992.0;

bool are_labels(const MetricLabels& sorted) {
  const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
  if (std::ranges::adjacent_find(sorted, same_name) != sorted.end()) return false;
  return std::ranges::all_of(sorted, [](const auto& label) {
    return is_label_name(label.first) && is_label_value(label.second);
  });
}

bool is_value(MetricKind kind, double value) {
  if (!std::isfinite(value)) return false;
  if (kind != MetricKind::counter) return true;
  return value >= 0 && value <= kLargestCount && value == std::floor(value);
}

struct Reason {
  const char* label;
  const char* sentence;
};
// By Refusal.
constexpr Reason kReasons[] = {
    {"bad_name",
     "a metric of user code was refused: a name is at most 200 letters, digits and _, and does not "
     "begin as the worker's own do (temporal_, or --metrics-prefix)"},
    {"bad_label",
     "a metric of user code was refused: at most 16 labels, each once, none of the worker's own, "
     "names as metrics have them, values at most 200 bytes of UTF-8"},
    {"bad_value",
     "a metric of user code was refused: values are finite, and a counter grows by whole numbers"},
    {"other_kind", "a metric of user code was refused: its name is known as one of another kind"},
    {"too_many_series",
     "a metric of user code was refused: there are too many series; use fewer values for labels"}};

}  // namespace

UserMeter::UserMeter(MetricRegistry& registry, MetricLabels common, Logger& log,
                     const MetricsOptions& options, std::size_t most_series)
    : registry_(registry),
      common_(std::move(common)),
      log_(log),
      options_(options),
      most_series_(most_series) {
  for (const auto& reason : kReasons) {
    auto labels = common_;
    labels.emplace_back("reason", reason.label);
    refused_.push_back(registry.counter(options_.prefix + "supervisor_user_metrics_refused",
                                        "Writes to metrics of user code that were not taken",
                                        std::move(labels)));
  }
}

UserMetrics::UserMetrics(UserMeter& meter, std::string activity_type, std::string workflow_type)
    : meter_(meter), own_(meter.common_) {
  if (!activity_type.empty()) own_.emplace_back("activity_type", std::move(activity_type));
  own_.emplace_back("workflow_type", std::move(workflow_type));
  std::ranges::sort(own_);
}

void UserMetrics::record_all(MetricKind kind, std::string_view name, std::span<const double> values,
                             const MetricLabels& labels) {
  MetricSeries* into = nullptr;
  for (double value : values) {
    if (!is_value(kind, value)) {
      refuse(UserMeter::bad_value, name);
      continue;
    }
    if (!into) into = series(kind, name, labels);
    if (!into) return;
    switch (kind) {
      case MetricKind::counter:
        Counter(*into).add(static_cast<std::uint64_t>(value));
        break;
      case MetricKind::gauge:
        Gauge(*into).set(value);
        break;
      case MetricKind::histogram:
        Histogram(*into).observe(value);
        break;
    }
  }
}

MetricSeries* UserMetrics::series(MetricKind kind, std::string_view name,
                                  const MetricLabels& labels) {
  if (name.starts_with(meter_.options_.prefix)) return refuse(UserMeter::bad_name, name);
  if (labels.size() > UserMeter::kMostLabels) return refuse(UserMeter::bad_label, name);
  MetricLabels all = own_;
  all.insert(all.end(), labels.begin(), labels.end());
  if (!labels.empty()) std::ranges::sort(all);
  auto* found = meter_.registry_.find(name, all);
  if (!found) return new_series(kind, name, all);
  return found->family.kind == kind ? found : refuse(UserMeter::other_kind, name);
}

// Looked at once: a series that is there was taken when it came.
MetricSeries* UserMetrics::new_series(MetricKind kind, std::string_view name,
                                      const MetricLabels& labels) {
  if (!is_metric_name(name)) return refuse(UserMeter::bad_name, name);
  if (!are_labels(labels)) return refuse(UserMeter::bad_label, name);
  // Its place is taken first, so that names cannot grow without bound either.
  if (meter_.series_.fetch_add(1) >= meter_.most_series_) {
    --meter_.series_;
    return refuse(UserMeter::too_many_series, name);
  }
  MetricFamily family{kind, {}, {}};
  if (kind == MetricKind::histogram) {
    family.buckets.assign(kOtherBuckets.begin(), kOtherBuckets.end());
    const auto& chosen = meter_.options_.buckets;
    if (const auto own = chosen.find(std::string(name)); own != chosen.end())
      family.buckets = own->second;
  }
  bool made = false;
  auto* series = meter_.registry_.find_or_make(name, std::move(family), labels, &made);
  if (!made) --meter_.series_;
  return series ? series : refuse(UserMeter::other_kind, name);
}

MetricSeries* UserMetrics::refuse(Refusal why, std::string_view name) {
  meter_.refused_[why].add();
  // Workflow code may be what asked, and it is the log that looks at the clock.
  const workflow::unsafe::allow ours;
  if (!meter_.said_[why].exchange(true))
    meter_.log_.warn(kReasons[why].sentence,
                     {{"metric", std::string(name.substr(0, kLongestMetricText))}});
  return nullptr;
}

}  // namespace temporal::supervisor
