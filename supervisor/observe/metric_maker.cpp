// SPDX-License-Identifier: MIT
#include "supervisor/observe/metric_maker.hpp"

#include <utility>
#include <vector>

namespace temporal::supervisor {

MetricMaker::MetricMaker(MetricRegistry& registry, MetricsOptions options, MetricLabels labels)
    : registry_(registry), options_(std::move(options)), labels_(std::move(labels)) {
  labels_.emplace_back("service_name", "temporal-supervisor");
  labels_.insert(labels_.end(), options_.labels.begin(), options_.labels.end());
}

std::string MetricMaker::full(std::string_view name) const {
  return std::string(options_.prefix).append(name);
}

MetricLabels MetricMaker::with(MetricLabels own) const {
  own.insert(own.end(), labels_.begin(), labels_.end());
  return own;
}

Counter MetricMaker::counter(std::string_view name, std::string_view help, MetricLabels own) const {
  return registry_.counter(full(name), help, with(std::move(own)));
}

Gauge MetricMaker::gauge(std::string_view name, std::string_view help, MetricLabels own) const {
  return registry_.gauge(full(name), help, with(std::move(own)));
}

Latency MetricMaker::latency(std::string_view name, const char* help, std::span<const double> in_ms,
                             MetricLabels own) const {
  const bool seconds = options_.unit == MetricsOptions::Unit::seconds;
  const auto full_name = full(name);
  std::vector<double> bounds(in_ms.begin(), in_ms.end());
  if (seconds)
    for (auto& bound : bounds) bound /= 1'000;
  if (const auto found = options_.buckets.find(full_name); found != options_.buckets.end())
    bounds = found->second;
  const auto unit = seconds ? ", s" : ", ms";
  return {registry_.histogram(full_name, std::string(help) + unit, bounds, with(std::move(own))),
          seconds ? 1e-9 : 1e-6};
}

}  // namespace temporal::supervisor
