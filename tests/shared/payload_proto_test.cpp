// SPDX-License-Identifier: MIT
#include "shared/payload_proto.hpp"

#include <doctest/doctest.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <limits>
#include <random>

using namespace std::chrono_literals;
using temporal::Duration;
using temporal::from_proto;
using temporal::Payload;
using temporal::Payloads;
using temporal::Time;
using temporal::to_proto;

namespace {

template <class Proto>
Proto stamp(std::int64_t seconds, std::int32_t nanos) {
  Proto proto;
  proto.set_seconds(seconds);
  proto.set_nanos(nanos);
  return proto;
}

Duration there_and_back(Duration duration) {
  google::protobuf::Duration proto;
  to_proto(duration, &proto);
  const bool same_sign = duration.count() >= 0 ? proto.seconds() >= 0 && proto.nanos() >= 0
                                               : proto.seconds() <= 0 && proto.nanos() <= 0;
  CHECK(same_sign);
  return from_proto(proto);
}

Time there_and_back(Time time) {
  google::protobuf::Timestamp proto;
  to_proto(time, &proto);
  CHECK(proto.nanos() >= 0);
  CHECK(proto.nanos() < 1'000'000'000);
  return from_proto(proto);
}

}  // namespace

TEST_CASE("payloads cross with all their bytes and metadata") {
  const Payloads payloads{{{{"encoding", "binary/plain"}, {"k", std::string("\0\xff", 2)}}, "\xfe"},
                          {{}, ""}};
  temporal::api::common::v1::Payloads proto;
  to_proto(payloads, &proto);
  CHECK(proto.payloads_size() == 2);
  CHECK(from_proto(proto) == payloads);
}

TEST_CASE("durations keep every nanosecond, negative ones too") {
  const Duration two_centuries = std::chrono::hours(24 * 73'000);
  for (Duration duration : {Duration(0), Duration(1), Duration(-1), Duration(1500ms),
                            Duration(-1500ms), two_centuries + 1ns, -two_centuries - 1ns})
    CHECK(there_and_back(duration) == duration);
}

TEST_CASE("times keep every nanosecond, before 1970 too") {
  for (Time time : {Time{}, Time{1ns}, Time{-1ns}, Time{-1500ms}, Time{1s}, Time{-1s},
                    Time{std::chrono::hours(24 * 365 * 200)}})
    CHECK(there_and_back(time) == time);
}

TEST_CASE("a duration or time beyond what nanoseconds hold is clamped, not wrapped") {
  using D = google::protobuf::Duration;
  using T = google::protobuf::Timestamp;
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kTenThousandYears = std::int64_t{315'576'000'000};
  const Duration century = std::chrono::hours(24 * 36500);
  for (auto seconds : {kTenThousandYears, kMost, kMost - 1}) {
    CHECK(from_proto(stamp<D>(seconds, 999'999'999)) > century);
    CHECK(from_proto(stamp<T>(seconds, 999'999'999)) > Time{century});
  }
  for (auto seconds : {-kTenThousandYears, kLeast, kLeast + 1}) {
    CHECK(from_proto(stamp<D>(seconds, -999'999'999)) < -century);
    CHECK(from_proto(stamp<T>(seconds, 0)) < Time{-century});
  }
}

TEST_CASE("nanoseconds out of their range are less than a second") {
  using D = google::protobuf::Duration;
  constexpr auto kMost = std::numeric_limits<std::int32_t>::max();
  constexpr auto kLeast = std::numeric_limits<std::int32_t>::min();
  CHECK(from_proto(stamp<D>(1, kMost)) == 1s + 999'999'999ns);
  CHECK(from_proto(stamp<D>(1, kLeast)) == 1ns);
}

TEST_CASE("whatever the numbers, order is kept and nothing wraps") {
  using D = google::protobuf::Duration;
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const auto a = static_cast<std::int64_t>(random()) >> (random() % 64);
    const auto b = static_cast<std::int64_t>(random()) >> (random() % 64);
    const auto low = from_proto(stamp<D>(std::min(a, b), 0));
    const auto high = from_proto(stamp<D>(std::max(a, b), 0));
    CHECK(low <= high);
    CHECK((std::max(a, b) < 0) == (high < 0ns));
  }
}
