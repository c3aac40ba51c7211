// SPDX-License-Identifier: MIT
// Activities that measure their side of the border, for pool_bars.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <vector>

namespace activity = temporal::activity;

namespace {

using Clock = std::chrono::steady_clock;

double median(std::vector<double>& values, double q = 0.5) {
  auto at = values.begin() + static_cast<std::ptrdiff_t>(q * double(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

double microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

std::vector<char> ballast;  // what a module would load for all children

}  // namespace

void no_op() {}

std::vector<std::int64_t> size_and_now(std::size_t size) {
  return {static_cast<std::int64_t>(size), Clock::now().time_since_epoch().count()};
}

// How many came, and when, on the clock that all processes share.
std::vector<std::int64_t> take_bytes(temporal::Bytes bytes) {
  return size_and_now(bytes.data.size());
}
std::vector<std::int64_t> view_bytes(temporal::BytesView bytes) {
  return size_and_now(bytes.size());
}

temporal::Bytes make_bytes(int count) {
  return temporal::Bytes(std::string(static_cast<std::size_t>(count), 'r'));
}

// Of a call with a number: median and p99, in microseconds, without what it takes to read the clock twice.
std::vector<double> time_heartbeats(activity::Context& ctx, int count) {
  std::vector<double> calls, clocks;
  calls.reserve(static_cast<std::size_t>(count));
  clocks.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const auto before = Clock::now();
    ctx.heartbeat(i);
    const auto after = Clock::now();
    calls.push_back(microseconds(after - before));
    clocks.push_back(microseconds(Clock::now() - after));
  }
  const double clock = median(clocks);
  return {median(calls) - clock, median(calls, 0.99) - clock};
}

// When it was seen, on the clock that all processes share.
std::int64_t poll_until_cancelled(activity::Context& ctx) {
  ctx.heartbeat(1);
  while (!ctx.cancelled()) {
  }
  return Clock::now().time_since_epoch().count();
}

void spin_for_ever(activity::Context& ctx) {
  ctx.heartbeat(1);
  for (;;) {
  }
}

void pool_bars_module(temporal::Module& m) {
  if (const char* mib = std::getenv("BENCH_BALLAST_MIB"))
    m.preload([size = std::strtoull(mib, nullptr, 10) << 20] { ballast.assign(size, 'b'); });
  m.activity<no_op>();
  m.activity<take_bytes>();
  m.activity<view_bytes>();
  m.activity<make_bytes>();
  m.activity<time_heartbeats>();
  m.activity<poll_until_cancelled>();
  m.activity<spin_for_ever>();
}
TEMPORAL_EXPORT_MODULE(pool_bars_module);
