// SPDX-License-Identifier: MIT
// Cancel word, doorbell, heartbeat slot.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

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
  CHECK(count_rings(bell.get()) == most);
  CHECK(count_rings(bell.get()) == 0);
  CHECK_FALSE(ring(-1));
}

TEST_CASE("whoever shares a bell can make it block, and does not hold who counts its rings") {
  UniqueFd bell = create_bell();
  REQUIRE(::fcntl(bell.get(), F_SETFL, 0) == 0);
  CHECK(count_rings(bell.get()) == 0);
  CHECK(ring(bell.get()));
  CHECK(ring(bell.get()));
  CHECK(count_rings(bell.get()) == 2);
  CHECK(count_rings(bell.get()) == 0);
}

namespace {

std::vector<std::uint32_t> heard_by(BellBoard& board) {
  BellBoard::Heard room;
  const auto heard = board.heard(room);
  std::vector<std::uint32_t> ids(heard.begin(), heard.end());
  std::ranges::sort(ids);
  return ids;
}

using Ids = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("a board tells of each bell that rang, once, also of one that rang before it was added") {
  auto board = BellBoard::create();
  REQUIRE(board);
  UniqueFd one = create_bell(), other = create_bell(), silent = create_bell();
  REQUIRE(ring(one.get()));
  for (std::uint32_t id = 1; const auto* bell : {&one, &other, &silent})
    REQUIRE(board->add(bell->get(), id++));
  CHECK(heard_by(*board) == Ids{1});
  CHECK(heard_by(*board).empty());
  // Nobody has emptied a counter.
  for (int i = 0; i < 3; ++i) {
    REQUIRE(ring(one.get()));
    REQUIRE(ring(other.get()));
    REQUIRE(ring(other.get()));
    CHECK(heard_by(*board) == Ids{1, 2});
    CHECK(heard_by(*board).empty());
  }
}

TEST_CASE("a muted bell is not told of, and afterwards once if it was rung and not counted") {
  auto board = BellBoard::create();
  REQUIRE(board);
  UniqueFd bell = create_bell();
  REQUIRE(board->add(bell.get(), 5));
  board->mute(bell.get(), 5);
  REQUIRE(ring(bell.get()));
  REQUIRE(ring(bell.get()));
  CHECK(heard_by(*board).empty());
  board->unmute(bell.get(), 5);
  CHECK(heard_by(*board) == Ids{5});
  board->mute(bell.get(), 5);
  REQUIRE(ring(bell.get()));
  CHECK(count_rings(bell.get()) == 3);
  board->unmute(bell.get(), 5);
  CHECK(heard_by(*board).empty());
  REQUIRE(ring(bell.get()));
  CHECK(heard_by(*board) == Ids{5});
}

TEST_CASE("who waits at a board sleeps until a bell rings") {
  auto board = BellBoard::create();
  REQUIRE(board);
  UniqueFd bell = create_bell();
  REQUIRE(board->add(bell.get(), 3));
  BellBoard::Heard room;
  CHECK(board->heard(room, 1).empty());
  std::thread ringer([&] { (void)ring(bell.get()); });
  auto heard = board->heard(room, -1);
  while (heard.empty()) heard = board->heard(room, -1);
  CHECK(heard.front() == 3);
  ringer.join();
}

TEST_CASE("a board does not hear a bell that was taken off, though the other side keeps it open") {
  auto board = BellBoard::create();
  REQUIRE(board);
  UniqueFd bell = create_bell();
  const UniqueFd of_the_other_side(::dup(bell.get()));
  REQUIRE(board->add(bell.get(), 7));
  board->remove(bell.get());
  bell.reset();
  REQUIRE(ring(of_the_other_side.get()));
  CHECK(heard_by(*board).empty());
}

TEST_CASE("a board tells of more bells than it can at once in turns") {
  auto board = BellBoard::create();
  REQUIRE(board);
  std::vector<UniqueFd> bells(2 * BellBoard::kAtOnce);
  Ids all, heard;
  for (std::uint32_t id = 0; auto& bell : bells) {
    bell = create_bell();
    REQUIRE(board->add(bell.get(), id));
    REQUIRE(ring(bell.get()));
    all.push_back(id++);
  }
  for (auto some = heard_by(*board); !some.empty(); some = heard_by(*board))
    heard.insert(heard.end(), some.begin(), some.end());
  std::ranges::sort(heard);
  CHECK(heard == all);
}

TEST_CASE("an ear wakes for each ring, also for one that came before it waited") {
  UniqueFd bell = create_bell();
  const UniqueFd ear = create_ear(bell.get());
  REQUIRE(ear);
  pollfd state{ear.get(), POLLIN, 0};
  for (int i = 0; i < 3; ++i) {
    REQUIRE(ring(bell.get()));
    CHECK(wait_for_ring(ear.get()));
    CHECK(::poll(&state, 1, 0) == 0);  // nothing more: the next wait would block
  }
  CHECK_FALSE(wait_for_ring(bell.get()));
  CHECK_FALSE(create_ear(-1));
}

namespace {

// Two that play ping-pong and sleep whenever there is nothing to do: as the supervisor, which has a board, and as a child, which
// has an ear.
struct Player {
  SharedNumber number{0};
  SharedWord ball{0};
  UniqueFd bell = create_bell();
  Sleeper sleeper{number};

  template <class Wait>
  void await_ball(std::uint64_t expected, Wait wait) {
    while (ball.load() != expected) {
      sleeper.about_to_sleep();
      if (ball.load() != expected) wait();
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
  Player supervisor, child;
  auto board = BellBoard::create();
  REQUIRE(board);
  REQUIRE(board->add(supervisor.bell.get(), 1));
  const UniqueFd ear = create_ear(child.bell.get());
  REQUIRE(ear);
  constexpr std::uint64_t kRounds = 20'000;
  std::uint64_t for_nothing = 0;  // waits of the supervisor's side
  std::thread thread([&] {
    Ringer ringer(supervisor.number);
    for (std::uint64_t ball = 1; ball <= kRounds; ++ball) {
      child.await_ball(ball, [&] { (void)wait_for_ring(ear.get()); });
      throw_ball(supervisor, ringer, ball);
    }
  });
  Ringer ringer(child.number);
  BellBoard::Heard room;
  for (std::uint64_t ball = 1; ball <= kRounds; ++ball) {
    throw_ball(child, ringer, ball);
    // Hangs if a wake-up was lost.
    supervisor.await_ball(ball, [&] { for_nothing += board->heard(room, -1).empty(); });
  }
  thread.join();
  CHECK(for_nothing < kRounds / 100);
  CHECK(supervisor.ball.load() == kRounds);
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
