// SPDX-License-Identifier: MIT
// What is counted must cost nothing where it happens: a series is looked up once, and from then on
// its handle is one relaxed atomic operation, from any thread. Prometheus' own registry takes a
// lock for each observation of a histogram; here it gives the text format.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/observe/grow_only_map.hpp"
#include "temporal/metrics.hpp"

namespace temporal::supervisor {

// What Prometheus reads, and reads as one thing.
inline constexpr std::size_t kLongestMetricText =
    200;  ///< bytes of a name, a label's name or value
[[nodiscard]] bool is_metric_name(std::string_view name);
[[nodiscard]] bool is_label_name(std::string_view name);
/// UTF-8 without a NUL: with one value that is none, Prometheus refuses the whole page.
[[nodiscard]] bool is_label_value(const std::string& value);

/// All series of one name.
struct MetricFamily {
  MetricKind kind;
  std::string help;
  std::vector<double> buckets;  // upper bounds, rising; of a histogram
};

struct MetricSeries {
  MetricSeries(const MetricFamily& family, MetricLabels labels);
  const MetricFamily& family;
  const MetricLabels labels;
  std::atomic<std::uint64_t> count = 0;                     // counter
  std::atomic<double> value = 0;                            // gauge; histogram: the sum
  std::unique_ptr<std::atomic<std::uint64_t>[]> in_bucket;  // histogram, the last: above all bounds
};

/// Any thread may use any of the three. They must not outlive the registry.
class Counter {
 public:
  explicit Counter(MetricSeries& series) noexcept : series_(&series) {}
  void add(std::uint64_t by = 1) const noexcept {
    series_->count.fetch_add(by, std::memory_order_relaxed);
  }
  /// For what is counted elsewhere, by one thread: the same total as there.
  void show(std::uint64_t total) const noexcept {
    series_->count.store(total, std::memory_order_relaxed);
  }

 private:
  MetricSeries* series_;
};

class Gauge {
 public:
  explicit Gauge(MetricSeries& series) noexcept : series_(&series) {}
  void set(double value) const noexcept { series_->value.store(value, std::memory_order_relaxed); }

 private:
  MetricSeries* series_;
};

class Histogram {
 public:
  explicit Histogram(MetricSeries& series) noexcept : series_(&series) {}
  void observe(double value) const noexcept;

 private:
  MetricSeries* series_;
};

/// Any thread may call anything. A name has one kind, for ever; the buckets and the help text of the
/// first caller hold.
class MetricRegistry {
 public:
  /// Throws std::logic_error when the name has another kind already.
  [[nodiscard]] Counter counter(std::string_view name, std::string_view help, MetricLabels labels);
  [[nodiscard]] Gauge gauge(std::string_view name, std::string_view help, MetricLabels labels);
  [[nodiscard]] Histogram histogram(std::string_view name, std::string_view help,
                                    std::span<const double> buckets, MetricLabels labels);

  /// Null when there is none. `labels` are sorted by name, here and below.
  [[nodiscard]] MetricSeries* find(std::string_view name, const MetricLabels& labels) const;
  /// Null when the name has another kind.
  MetricSeries* find_or_make(std::string_view name, MetricFamily family, MetricLabels labels,
                             bool* made = nullptr);

  /// All of it in Prometheus' text format, in the order of names.
  [[nodiscard]] std::string text() const;
  /// {name: [{"labels": {...}, "value": V}]}; of a histogram "count" and "sum".
  [[nodiscard]] nlohmann::json json() const;

 private:
  GrowOnlyMap<MetricFamily> families_;
  GrowOnlyMap<MetricSeries> series_;  // by name and labels
};

}  // namespace temporal::supervisor
