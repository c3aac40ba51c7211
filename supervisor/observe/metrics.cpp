// SPDX-License-Identifier: MIT
#include "supervisor/observe/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "supervisor/utf8.hpp"

namespace temporal::supervisor {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// No name holds a NUL, and no value that gets here does.
std::string key_of(std::string_view name, const MetricLabels& labels) {
  std::string key(name);
  for (const auto& [label, value] : labels) (key += '\0').append(label).append(1, '\0') += value;
  return key;
}

prometheus::ClientMetric snapshot(const MetricSeries& series) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : series.labels) metric.label.push_back({name, value});
  switch (series.family.kind) {
    case MetricKind::counter:
      metric.counter.value = static_cast<double>(series.count.load(std::memory_order_relaxed));
      break;
    case MetricKind::gauge:
      metric.gauge.value = series.value.load(std::memory_order_relaxed);
      break;
    case MetricKind::histogram: {
      // Observations go on meanwhile: the sum may know of one more than the buckets.
      std::uint64_t so_far = 0;
      const auto& bounds = series.family.buckets;
      for (std::size_t i = 0; i <= bounds.size(); ++i) {
        so_far += series.in_bucket[i].load(std::memory_order_relaxed);
        metric.histogram.bucket.push_back(
            {so_far, i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity()});
      }
      metric.histogram.sample_count = so_far;
      metric.histogram.sample_sum = series.value.load(std::memory_order_relaxed);
      break;
    }
  }
  return metric;
}

prometheus::MetricType type_of(MetricKind kind) {
  return kind == MetricKind::counter ? prometheus::MetricType::Counter
         : kind == MetricKind::gauge ? prometheus::MetricType::Gauge
                                     : prometheus::MetricType::Histogram;
}

}  // namespace

bool is_metric_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestMetricText && is_letter(name[0]) &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool is_label_name(std::string_view name) {
  return is_metric_name(name) && !name.starts_with("__") && name != "le";
}

bool is_label_value(const std::string& value) {
  return value.size() <= kLongestMetricText && value.find('\0') == std::string::npos &&
         is_utf8(value);
}

MetricSeries::MetricSeries(const MetricFamily& family, MetricLabels labels)
    : family(family), labels(std::move(labels)) {
  if (family.kind == MetricKind::histogram)
    in_bucket = std::make_unique<std::atomic<std::uint64_t>[]>(family.buckets.size() + 1);
}

void Histogram::observe(double value) const noexcept {
  const auto& bounds = series_->family.buckets;
  const auto bucket = std::ranges::lower_bound(bounds, value) - bounds.begin();
  series_->in_bucket[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  series_->value.fetch_add(value, std::memory_order_relaxed);
}

MetricSeries* MetricRegistry::find(std::string_view name, const MetricLabels& labels) const {
  return series_.find(key_of(name, labels));
}

MetricSeries* MetricRegistry::find_or_make(std::string_view name, MetricFamily family,
                                           MetricLabels labels, bool* made) {
  const auto kind = family.kind;
  const auto& kept = families_.find_or_make(name, std::move(family)).first;
  if (kept.kind != kind) return nullptr;
  const auto key = key_of(name, labels);
  auto [series, is_new] = series_.find_or_make(key, kept, std::move(labels));
  if (made) *made = is_new;
  return &series;
}

namespace {

MetricSeries& required(MetricSeries* series, std::string_view name) {
  if (series) return *series;
  throw std::logic_error("the metric " + std::string(name) + " has another kind already");
}

}  // namespace

Counter MetricRegistry::counter(std::string_view name, std::string_view help, MetricLabels labels) {
  std::ranges::sort(labels);
  return Counter(required(
      find_or_make(name, {MetricKind::counter, std::string(help), {}}, std::move(labels)), name));
}

Gauge MetricRegistry::gauge(std::string_view name, std::string_view help, MetricLabels labels) {
  std::ranges::sort(labels);
  return Gauge(required(
      find_or_make(name, {MetricKind::gauge, std::string(help), {}}, std::move(labels)), name));
}

Histogram MetricRegistry::histogram(std::string_view name, std::string_view help,
                                    std::span<const double> buckets, MetricLabels labels) {
  std::ranges::sort(labels);
  return Histogram(required(
      find_or_make(name,
                   {MetricKind::histogram, std::string(help), {buckets.begin(), buckets.end()}},
                   std::move(labels)),
      name));
}

nlohmann::json MetricRegistry::json() const {
  nlohmann::json all = nlohmann::json::object();
  series_.for_each([&](std::string_view key, const MetricSeries& series) {
    auto labels = nlohmann::json::object();
    for (const auto& [name, value] : series.labels) labels[name] = value;
    nlohmann::json told = nlohmann::json::object();
    told["labels"] = std::move(labels);
    if (series.family.kind == MetricKind::histogram) {
      std::uint64_t count = 0;
      for (std::size_t i = 0; i <= series.family.buckets.size(); ++i) count += series.in_bucket[i];
      told["count"] = count;
      told["sum"] = series.value.load();
    } else if (series.family.kind == MetricKind::counter) {
      told["value"] = series.count.load();
    } else {
      told["value"] = series.value.load();
    }
    all[std::string(key.substr(0, key.find('\0')))].push_back(std::move(told));
  });
  return all;
}

std::string MetricRegistry::text() const {
  std::map<std::string, std::vector<const MetricSeries*>> by_name;
  series_.for_each([&](std::string_view key, const MetricSeries& series) {
    by_name[std::string(key.substr(0, key.find('\0')))].push_back(&series);
  });
  std::vector<prometheus::MetricFamily> families;
  for (auto& [name, all] : by_name) {
    std::ranges::sort(all, {}, &MetricSeries::labels);
    auto& family = families.emplace_back();
    family.name = name;
    family.help = all.front()->family.help;
    family.type = type_of(all.front()->family.kind);
    for (const auto* series : all) family.metric.push_back(snapshot(*series));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace temporal::supervisor
