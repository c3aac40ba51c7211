// SPDX-License-Identifier: MIT
#include "shared/ipc/ring.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <thread>

#include "shared/ipc/crc32c.hpp"
#include "tests/shared/ipc/ring_fixture.hpp"

using namespace temporal::ipc;
using namespace temporal::ipc::test;

TEST_CASE("crc32c gives the standard check value, in one piece or in several") {
  CHECK(crc32c(0, bytes("123456789")) == 0xe3069283U);
  CHECK(crc32c(crc32c(0, bytes("1234")), bytes("56789")) == 0xe3069283U);
  CHECK(crc32c(0, {}) == 0);
}

TEST_CASE("records come out as they went in, in order") {
  RingFixture ring;
  REQUIRE(ring.producer.push(kPlain, bytes("one"), 5) == Push::done);
  REQUIRE(ring.producer.push(kChecked, bytes("")) == Push::done);
  Record record;
  REQUIRE(ring.consumer.pop(record) == Pop::record);
  CHECK(text(record) == "one");
  CHECK(record.type == kPlain);
  CHECK(record.flags == 5);
  REQUIRE(ring.consumer.pop(record) == Pop::record);
  CHECK(text(record).empty());
  CHECK(record.type == kChecked);
  CHECK(ring.consumer.pop(record) == Pop::empty);
  CHECK(ring.consumer.empty());
}

TEST_CASE("what was reserved and never committed did not happen") {
  RingFixture ring;
  RingProducer::Room room;
  REQUIRE(ring.producer.reserve(kPlain, 100, room) == Push::done);
  std::fill(room.first.begin(), room.first.end(), std::byte{'x'});
  Record record;
  CHECK(ring.consumer.pop(record) == Pop::empty);
  REQUIRE(ring.producer.push(kPlain, bytes("after")) == Push::done);
  REQUIRE(ring.consumer.pop(record) == Pop::record);
  CHECK(text(record) == "after");
}

TEST_CASE("a full ring refuses, loses nothing, and goes on when there is room again") {
  RingFixture ring;
  const std::string payload(1000 - kRecordHeaderSize, 'p');  // 1024 bytes in the ring
  for (int i = 0; i < 4; ++i) REQUIRE(ring.producer.push(kPlain, bytes(payload)) == Push::done);
  CHECK(ring.producer.free_space() == 0);
  CHECK(ring.producer.push(kPlain, {}) == Push::full);
  Record record;
  REQUIRE(ring.consumer.pop(record) == Pop::record);
  CHECK(ring.producer.push(kPlain, bytes(payload)) == Push::done);
  CHECK(ring.producer.push(kPlain, {}) == Push::full);
  for (int i = 0; i < 4; ++i) {
    REQUIRE(ring.consumer.pop(record) == Pop::record);
    CHECK(text(record) == payload);
  }
  CHECK(ring.consumer.pop(record) == Pop::empty);
}

TEST_CASE("records of every length wrap around whole") {
  RingFixture ring;
  Record record;
  for (std::uint32_t length = 0; length <= kRules[kPlain].max_length; ++length) {
    std::string payload(length, static_cast<char>('a' + length % 26));
    std::uint16_t type = length <= kRules[kChecked].max_length && length % 2 ? kChecked : kPlain;
    REQUIRE(ring.producer.push(type, bytes(payload)) == Push::done);
    REQUIRE(ring.consumer.pop(record) == Pop::record);
    REQUIRE(text(record) == payload);
  }
}

TEST_CASE("a producer and a consumer in two threads agree on a random stream") {
  RingFixture ring;
  const char* given = std::getenv("TEMPORAL_TEST_SEED");
  const unsigned seed = given ? static_cast<unsigned>(std::atoi(given)) : std::random_device{}();
  CAPTURE(seed);
  constexpr int kCount = 50'000;
  auto payload_of = [](std::mt19937& random) {
    return std::string(random() % 900, static_cast<char>(random()));
  };
  std::thread producer([&] {
    std::mt19937 random(seed);
    for (int i = 0; i < kCount; ++i) {
      auto payload = payload_of(random);
      while (ring.producer.push(i % 2 ? kChecked : kPlain, bytes(payload)) == Push::full)
        std::this_thread::yield();
    }
  });
  std::mt19937 random(seed);
  int wrong = 0;
  Pop result = Pop::empty;
  for (int i = 0; i < kCount && result != Pop::corrupt;) {
    Record record;
    result = ring.consumer.pop(record);
    if (result == Pop::empty) std::this_thread::yield();
    if (result != Pop::record) continue;
    wrong += text(record) != payload_of(random) || record.type != (i % 2 ? kChecked : kPlain);
    ++i;
  }
  if (result == Pop::corrupt) ring.head.store(~std::uint64_t{0});  // lets the producer end
  producer.join();
  CHECK(result == Pop::record);
  CHECK(wrong == 0);
}

namespace {

// Offsets of a record header's fields.
constexpr std::size_t kLength = 0, kType = 4, kFlags = 6, kSeq = 8, kEpochAt = 16, kCrc = 20;

template <class T>
void overwrite(RingFixture& ring, std::size_t at, T value) {
  std::memcpy(ring.memory + at, &value, sizeof value);
}

const char* fault_after(void (*spoil)(RingFixture&), std::uint16_t type = kPlain) {
  RingFixture ring;
  REQUIRE(ring.producer.push(type, bytes("some payload")) == Push::done);
  spoil(ring);
  Record record;
  REQUIRE(ring.consumer.pop(record) == Pop::corrupt);
  REQUIRE(ring.consumer.fault() != nullptr);
  CHECK(ring.head.load() == 0);
  CHECK(ring.consumer.pop(record) == Pop::corrupt);  // for good
  return ring.consumer.fault();
}

}  // namespace

TEST_CASE("a consumer believes no header") {
  using R = RingFixture;
  CHECK(fault_after([](R& r) { r.tail.store(~std::uint64_t{0}); }) ==
        std::string("tail is out of range"));
  CHECK(fault_after([](R& r) { r.tail.store(r.size + 64); }) ==
        std::string("tail is out of range"));
  CHECK(fault_after([](R& r) { r.tail.store(65); }) == std::string("tail is not aligned"));
  CHECK(fault_after([](R& r) { overwrite(r, kType, std::uint16_t{0}); }) ==
        std::string("unknown type"));
  CHECK(fault_after([](R& r) { overwrite(r, kType, std::uint16_t{999}); }) ==
        std::string("unknown type"));
  CHECK(fault_after([](R& r) { overwrite(r, kLength, ~std::uint32_t{0}); }) ==
        std::string("longer than its type may be"));
  CHECK(fault_after([](R& r) { overwrite(r, kLength, std::uint32_t{3001}); }) ==
        std::string("longer than its type may be"));
  CHECK(fault_after([](R& r) { overwrite(r, kLength, std::uint32_t{2000}); }) ==
        std::string("longer than what was written"));
  CHECK(fault_after([](R& r) { overwrite(r, kEpochAt, std::uint32_t{6}); }) ==
        std::string("foreign epoch"));
  CHECK(fault_after([](R& r) { overwrite(r, kSeq, std::uint64_t{2}); }) ==
        std::string("sequence broken"));
  CHECK(fault_after([](R& r) { overwrite(r, kSeq, std::uint64_t{0}); }) ==
        std::string("sequence broken"));
  CHECK(fault_after([](R& r) { overwrite(r, kCrc, std::uint32_t{0}); }) ==
        std::string("checksum differs"));
  CHECK(fault_after([](R& r) { overwrite(r, kFlags, std::uint16_t{1}); }) ==
        std::string("checksum differs"));
  CHECK(fault_after([](R& r) { overwrite(r, kRecordHeaderSize, 'X'); }, kChecked) ==
        std::string("checksum differs"));
  // Zeros: what a hole punched into the memory reads as.
  CHECK(fault_after([](R& r) { std::memset(r.memory, 0, r.size); }) == std::string("unknown type"));
}

TEST_CASE("an old record that is shown again is corrupt") {
  RingFixture ring;
  Record record;
  REQUIRE(ring.producer.push(kPlain, bytes("once")) == Push::done);
  REQUIRE(ring.consumer.pop(record) == Pop::record);
  std::memcpy(ring.memory + 64, ring.memory, 64);
  ring.tail.store(128);
  CHECK(ring.consumer.pop(record) == Pop::corrupt);
  CHECK(ring.consumer.fault() == std::string("sequence broken"));
}

TEST_CASE("a producer believes no head") {
  RingFixture ring;
  for (std::uint64_t head : {std::uint64_t{64}, ~std::uint64_t{0}, std::uint64_t{1}}) {
    ring.head.store(head);
    CHECK(ring.producer.push(kPlain, bytes("x")) == Push::corrupt);
  }
}

TEST_CASE("random bytes over the whole ring never get past the checks") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    RingFixture ring;
    REQUIRE(ring.producer.push(kPlain, bytes("payload")) == Push::done);
    // Half of the rounds spoil a little, which is harder to notice.
    std::size_t count = round % 2 ? ring.size / 8 : 1 + random() % 3;
    for (std::size_t i = 0; i < count; ++i)
      overwrite(ring, (random() % (round % 2 ? ring.size / 8 : 3)) * 8, random());
    ring.tail.store(round % 3 ? 64 * (1 + random() % 64) : random());
    Record record;
    if (ring.consumer.pop(record) == Pop::record) {
      CHECK(record.payload.size() <= kRules[kPlain].max_length);
      CHECK(record.type == kPlain);
    }
  }
}
