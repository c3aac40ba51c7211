// SPDX-License-Identifier: MIT
// Cancel word, doorbell, heartbeat slot.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "shared/ipc/cancel_word.hpp"
#include "shared/ipc/doorbell.hpp"
#include "shared/ipc/heartbeat_slot.hpp"

using namespace temporal::ipc;
using namespace std::chrono_literals;

TEST_CASE("a cancel reaches its task with all its reasons") {
  SharedNumber word{0};
  CancelWriter writer(word);
  writer.begin(1);
  CancelReader reader(word, 1);
  CHECK(reader.reasons() == 0);
  writer.add(1);
  writer.add(4);
  CHECK(reader.reasons() == 5);
  CHECK(writer.reasons() == 5);
}

TEST_CASE("a late cancel does not hit the next task, nor an old one the new") {
  SharedNumber word{0};
  CancelWriter writer(word);
  writer.begin(1);
  writer.add(1);
  writer.begin(2);
  CHECK(CancelReader(word, 1).reasons() == 0);
  CHECK(CancelReader(word, 2).reasons() == 0);
  writer.add(8);
  CHECK(CancelReader(word, 1).reasons() == 0);
  CHECK(CancelReader(word, 2).reasons() == 8);
  // Only 24 bits of the number are in the word.
  writer.begin((std::uint64_t{1} << 24) + 3);
  writer.add(2);
  CHECK(CancelReader(word, (std::uint64_t{1} << 24) + 3).reasons() == 2);
}

TEST_CASE("waiting for a cancel ends with its reason, or after the time given") {
  SharedNumber word{0};
  CancelWriter writer(word);
  writer.begin(1);
  CancelReader reader(word, 1);
  CHECK(reader.wait(0ms) == 0);
  CHECK(reader.wait(1ms) == 0);
  std::thread waiter([&] { CHECK(reader.wait(std::chrono::nanoseconds::max()) == 2); });
  writer.add(2);
  waiter.join();
  CHECK(reader.wait(1h) == 2);
}

TEST_CASE("a sleeper is rung once for each sleep, and never while awake") {
  SharedNumber number{0};
  Sleeper sleeper(number);
  Ringer ringer(number);
  CHECK_FALSE(ringer.must_ring());
  sleeper.about_to_sleep();
  CHECK(ringer.must_ring());
  CHECK_FALSE(ringer.must_ring());
  sleeper.about_to_sleep();  // still the same sleep
  CHECK_FALSE(ringer.must_ring());
  sleeper.awake();
  CHECK_FALSE(ringer.must_ring());
  sleeper.about_to_sleep();
  CHECK(ringer.must_ring());
}

TEST_CASE("a bell never blocks its ringer, even with a full counter") {
  UniqueFd bell = create_bell();
  REQUIRE(bell);
  const std::uint64_t most = ~std::uint64_t{0} - 1;
  REQUIRE(::write(bell.get(), &most, sizeof most) == sizeof most);
  CHECK(ring(bell.get()));
  CHECK(silence(bell.get()) == most);
  CHECK(silence(bell.get()) == 0);
  CHECK_FALSE(ring(-1));
}

TEST_CASE(
    "whoever shares a bell can make it block, and does not hold who rings at once or silences") {
  UniqueFd bell = create_bell();
  REQUIRE(::fcntl(bell.get(), F_SETFL, 0) == 0);
  CHECK(silence(bell.get()) == 0);
  CHECK_FALSE(is_rung(bell.get()));
  CHECK(ring_at_once(bell.get()));
  CHECK(ring_at_once(bell.get()));
  CHECK(is_rung(bell.get()));
  CHECK(silence(bell.get()) == 2);
  const std::uint64_t most = ~std::uint64_t{0} - 1;
  REQUIRE(::write(bell.get(), &most, sizeof most) == sizeof most);
  CHECK(ring_at_once(bell.get()));
  CHECK_FALSE(ring_at_once(-1));
}

TEST_CASE("a waiter wakes for each ring, also for one that came before it waited") {
  UniqueFd bell = create_bell();
  auto waiter = BellWaiter::create(bell.get());
  REQUIRE(waiter);
  pollfd state{waiter->fd(), POLLIN, 0};
  for (int i = 0; i < 3; ++i) {
    REQUIRE(ring(bell.get()));
    CHECK(waiter->wait());
    CHECK(::poll(&state, 1, 0) == 0);  // nothing more: the next wait would block
  }
}

namespace {

/// One of two threads that play ping-pong and sleep whenever there is nothing to do.
struct Player {
  SharedNumber number{0};
  SharedWord ball{0};
  UniqueFd bell = create_bell();
  BellWaiter waiter = *BellWaiter::create(bell.get());
  Sleeper sleeper{number};

  void await_ball(std::uint64_t expected) {
    while (ball.load() != expected) {
      sleeper.about_to_sleep();
      if (ball.load() != expected && !waiter.wait()) return;
      sleeper.awake();
    }
  }
};

void throw_ball(Player& to, Ringer& ringer, std::uint64_t ball) {
  to.ball.store(ball);
  if (ringer.must_ring()) (void)ring(to.bell.get());
}

}  // namespace

TEST_CASE("no wake-up is lost between two threads that sleep whenever they can") {
  Player one, other;
  constexpr std::uint64_t kRounds = 20'000;
  std::thread thread([&] {
    Ringer ringer(one.number);
    for (std::uint64_t ball = 1; ball <= kRounds; ++ball) {
      other.await_ball(ball);
      throw_ball(one, ringer, ball);
    }
  });
  Ringer ringer(other.number);
  for (std::uint64_t ball = 1; ball <= kRounds; ++ball) {
    throw_ball(other, ringer, ball);
    one.await_ball(ball);  // hangs if a wake-up was lost
  }
  thread.join();
  CHECK(one.ball.load() == kRounds);
}

namespace {

struct Slot {
  std::unique_ptr<HeartbeatMemory> memory = std::make_unique<HeartbeatMemory>();
  HeartbeatWriter writer{*memory};
  HeartbeatReader reader{*memory};
};

}  // namespace

TEST_CASE("the newest heartbeat wins, and is read once") {
  Slot slot;
  Heartbeat beat;
  CHECK(slot.reader.read(beat) == HeartbeatReader::Read::same);
  CHECK_FALSE(slot.reader.fresh());
  REQUIRE(slot.writer.write("json/plain", "1"));
  REQUIRE(slot.writer.write("json/plain", "22"));
  REQUIRE(slot.writer.write("binary/plain", "three and some more"));
  CHECK(slot.reader.fresh());
  REQUIRE(slot.reader.read(beat) == HeartbeatReader::Read::newer);
  CHECK(beat.sequence == 3);
  CHECK(beat.encoding == "binary/plain");
  CHECK(beat.details == "three and some more");
  CHECK(slot.reader.read(beat) == HeartbeatReader::Read::same);
  CHECK(beat.details == "three and some more");
  REQUIRE(slot.writer.write("", ""));
  REQUIRE(slot.reader.read(beat) == HeartbeatReader::Read::newer);
  CHECK(beat.details.empty());
  REQUIRE(slot.writer.write("json/plain", "of the former task"));
  slot.reader.skip();
  CHECK(slot.reader.read(beat) == HeartbeatReader::Read::same);
}

TEST_CASE("details up to the limit fit, over it they are refused and nothing changes") {
  Slot slot;
  const std::string largest(kHeartbeatDetailsLimit, 'x');
  REQUIRE(slot.writer.write("e", largest));
  CHECK_FALSE(slot.writer.write("e", largest + "y"));
  CHECK_FALSE(slot.writer.write(std::string(kHeartbeatEncodingLimit + 1, 'e'), ""));
  Heartbeat beat;
  REQUIRE(slot.reader.read(beat) == HeartbeatReader::Read::newer);
  CHECK(beat.details == largest);
  CHECK(beat.sequence == 1);
}

TEST_CASE("a heartbeat torn by death leaves the former one whole") {
  Slot slot;
  REQUIRE(slot.writer.write("json/plain", "whole"));
  // A second one, killed before it raised the sequence.
  slot.memory->halves[0].sizes.store(5);
  slot.memory->halves[0].details[0].store(0x6e726f74);
  Heartbeat beat;
  REQUIRE(slot.reader.read(beat) == HeartbeatReader::Read::newer);
  CHECK(beat.details == "whole");
}

TEST_CASE("impossible sizes and a sequence that runs backwards are corrupt") {
  Slot slot;
  Heartbeat beat;
  slot.memory->page.sequence.store(1);
  slot.memory->halves[1].sizes.store(kHeartbeatDetailsLimit + 1);
  CHECK(slot.reader.read(beat) == HeartbeatReader::Read::corrupt);
  slot.memory->halves[1].sizes.store(std::uint64_t{kHeartbeatEncodingLimit + 1} << 32);
  CHECK(slot.reader.read(beat) == HeartbeatReader::Read::corrupt);
  slot.memory->halves[1].sizes.store(0);
  REQUIRE(slot.reader.read(beat) == HeartbeatReader::Read::newer);
  slot.memory->page.sequence.store(0);
  CHECK(slot.reader.read(beat) == HeartbeatReader::Read::corrupt);
}

TEST_CASE("a reader racing a writer gets whole heartbeats, in order") {
  Slot slot;
  constexpr int kCount = 20'000;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 1; i <= kCount; ++i)
      CHECK(slot.writer.write("e",
                              std::string(static_cast<std::size_t>(i % 300), char('a' + i % 26))));
    done = true;
  });
  std::uint64_t last = 0;
  int mixed = 0;
  for (bool last_round = false;;) {
    Heartbeat beat;
    auto read = slot.reader.read(beat);
    if (read == HeartbeatReader::Read::newer) {
      const std::string expected(beat.sequence % 300, char('a' + beat.sequence % 26));
      mixed += beat.details != expected || beat.sequence <= last;
      last = beat.sequence;
    }
    if (read == HeartbeatReader::Read::corrupt) ++mixed;
    if (last_round) break;
    last_round = done;
  }
  writer.join();
  CHECK(mixed == 0);
  CHECK(last == kCount);
}
