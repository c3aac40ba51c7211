// SPDX-License-Identifier: MIT
#include "supervisor/observe/metrics_options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "supervisor/observe/http.hpp"
#include "supervisor/observe/metrics.hpp"
#include "supervisor/observe/worker_metrics.hpp"

namespace temporal::supervisor {

namespace {

using Halves = std::pair<std::string, std::string>;

std::optional<Halves> split(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) return std::nullopt;
  return Halves(text.substr(0, equals), text.substr(equals + 1));
}

std::optional<std::vector<double>> rising_numbers(const std::string& text) {
  std::vector<double> numbers;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    double number = 0;
    const auto [stop, error] = std::from_chars(at, end, number);
    if (error != std::errc{} || !std::isfinite(number)) return std::nullopt;
    if (!numbers.empty() && number <= numbers.back()) return std::nullopt;
    numbers.push_back(number);
    if (stop == end) return numbers;
    if (*stop != ',') return std::nullopt;
    at = stop + 1;
  }
}

}  // namespace

std::optional<std::string> add_label(MetricsOptions& options, const std::string& text) {
  auto label = split(text);
  if (!label || !is_label_name(label->first) || !is_label_value(label->second))
    return "'" + text + "' is no label; write NAME=VALUE, as in region=eu";
  if (is_label_of_worker(label->first))
    return "'" + label->first + "' is a label that the worker gives itself; choose another name";
  const auto same = [&](const auto& known) { return known.first == label->first; };
  if (std::ranges::any_of(options.labels, same))
    return "the label '" + label->first + "' is given twice";
  options.labels.push_back(std::move(*label));
  return std::nullopt;
}

std::optional<std::string> add_buckets(MetricsOptions& options, const std::string& text) {
  auto histogram = split(text);
  auto bounds = histogram ? rising_numbers(histogram->second) : std::nullopt;
  if (!bounds || !is_metric_name(histogram->first))
    return "'" + text +
           "' are no buckets; write NAME=BOUND,BOUND,... with rising numbers, as in "
           "temporal_request_latency=10,100,1000";
  options.buckets[histogram->first] = std::move(*bounds);
  return std::nullopt;
}

std::optional<std::string> fault_of(const MetricsOptions& options) {
  if (!options.address.empty() && !parse_endpoint(options.address))
    return "--metrics: '" + options.address +
           "' is no HOST:PORT with an IP address or localhost as HOST, as in 127.0.0.1:9464";
  if (!is_metric_name(options.prefix))
    return "--metrics-prefix: '" + options.prefix +
           "' cannot begin a name: letters, digits and _, no digit first";
  return std::nullopt;
}

}  // namespace temporal::supervisor
