// SPDX-License-Identifier: MIT
// Descriptors, sealed memory, arena, channels: across a real process boundary where that is the
// point.
#include "shared/ipc/memory.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "child/v1/child.pb.h"
#include "shared/ipc/fd.hpp"
#include "shared/ipc/records.hpp"

using namespace temporal::ipc;
namespace v1 = temporal::child::v1;

namespace {

std::ptrdiff_t open_descriptors() {
  using Iterator = std::filesystem::directory_iterator;
  return std::distance(Iterator("/proc/self/fd"), Iterator{});
}

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Both ends of one arena in this process.
struct Pair {
  SupervisorArena supervisor_arena = *SupervisorArena::create(3);
  ChildArena child_arena = *ChildArena::open(supervisor_arena.down_fd(), supervisor_arena.up_fd());
  UniqueFd child_bell = create_bell();
  UniqueFd supervisor_bell = create_bell();
  std::pair<UniqueFd, UniqueFd> bulk = *socket_pair();
  Channel supervisor{supervisor_ends(supervisor_arena, child_bell.get(), bulk.first.get())};
  Channel child{child_ends(child_arena, supervisor_bell.get(), bulk.second.get())};
  RingProducer forger{child_arena.ring_b(),    child_arena.ring_capacity(),
                      child_arena.ends().tail, child_arena.supervisor_ends().head,
                      child_arena.epoch(),     up_rules()};

  Pair() { ::fcntl(bulk.first.get(), F_SETFL, O_NONBLOCK); }

  /// The child asks for a segment, and has it.
  void grant(std::size_t size) {
    REQUIRE(child.ask_for_segment(size) == Send::done);
    REQUIRE(supervisor.receive() == Receive::message);
    REQUIRE(supervisor.type() == RecordType::need_bulk);
    REQUIRE(supervisor.grant(make_segment(Direction::up, size)) == Send::done);
    REQUIRE(child.receive() == Receive::message);
    REQUIRE(child.type() == RecordType::bulk);
    REQUIRE(child.granted());
  }

  /// What a child of ours does not write; then it must not have written anything itself.
  void forge(RecordType type, const auto& payload, std::uint16_t flags = 0) {
    REQUIRE(forger.push(static_cast<std::uint16_t>(type), std::as_bytes(std::span(&payload, 1)),
                        flags) == Push::done);
  }
};

v1::Completed completed(std::size_t size) {
  v1::Completed message;
  message.set_task(1);
  message.mutable_result()->add_payloads()->set_data(std::string(size, 'r'));
  return message;
}

}  // namespace

TEST_CASE("descriptors travel with a message and are closed with their owner") {
  auto before = open_descriptors();
  {
    auto sockets = socket_pair();
    REQUIRE(sockets);
    UniqueFd bell = create_bell();
    std::array<int, 2> fds{bell.get(), STDOUT_FILENO};
    REQUIRE(send_message(sockets->first.get(), bytes("hello"), fds) == Io::done);
    std::array<std::byte, 16> buffer;
    Received received;
    REQUIRE(receive_message(sockets->second.get(), buffer, received) == Io::done);
    CHECK(received.size == 5);
    REQUIRE(received.fd_count == 2);
    CHECK((::fcntl(received.fds[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
    REQUIRE(ring(received.fds[0].get()));
    CHECK(count_rings(bell.get()) == 1);

    REQUIRE(send_message(sockets->first.get(), bytes("longer than the buffer is")) == Io::done);
    CHECK(receive_message(sockets->second.get(), buffer, received) == Io::failed);
    sockets->first.reset();
    CHECK(receive_message(sockets->second.get(), buffer, received) == Io::closed);
    CHECK(send_message(sockets->second.get(), bytes("x")) == Io::closed);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("a child can change neither the down half nor the size of either") {
  auto arena = SupervisorArena::create(1);
  REQUIRE(arena);
  const int down = arena->down_fd(), up = arena->up_fd();
  CHECK(::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, down, 0) == MAP_FAILED);
  void* readable = ::mmap(nullptr, kPage, PROT_READ, MAP_SHARED, down, 0);
  REQUIRE(readable != MAP_FAILED);
  CHECK(::mprotect(readable, kPage, PROT_READ | PROT_WRITE) != 0);
  ::munmap(readable, kPage);
  CHECK(::pwrite(down, "x", 1, 0) < 0);
  CHECK(::fallocate(down, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kPage) != 0);
  for (int fd : {down, up}) {
    CHECK(::ftruncate(fd, 0) != 0);
    CHECK(::ftruncate(fd, 1 << 24) != 0);
    CHECK(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) != 0);
  }
  std::string again = "/proc/self/fd/" + std::to_string(down);
  UniqueFd reopened(::open(again.c_str(), O_RDWR | O_CLOEXEC));
  if (reopened) {
    CHECK(::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, reopened.get(), 0) ==
          MAP_FAILED);
    CHECK(::pwrite(reopened.get(), "x", 1, 0) < 0);
  }
}

TEST_CASE("an arena of another layout, or no arena at all, is refused") {
  auto arena = SupervisorArena::create(1);
  auto larger = SupervisorArena::create(1, 2 * kDefaultRingCapacity);
  REQUIRE(arena);
  REQUIRE(larger);
  CHECK(ChildArena::open(arena->down_fd(), arena->up_fd()));
  CHECK_FALSE(ChildArena::open(arena->up_fd(), arena->down_fd()));
  CHECK_FALSE(ChildArena::open(arena->down_fd(), larger->up_fd()));
  CHECK_FALSE(ChildArena::open(-1, -1));
  CHECK_FALSE(ChildArena::open(STDIN_FILENO, STDIN_FILENO));
  CHECK_FALSE(SupervisorArena::create(1, 100'000));
}

TEST_CASE("a process forked by an activity does not have the arena") {
  Pair pair;
  auto* status = &pair.child_arena.status();
  pid_t pid = ::fork();
  if (pid == 0) {
    unsigned char residency;
    // An address nobody mapped.
    ::_exit(::mincore(status, kPage, &residency) != 0 && errno == ENOMEM ? 0 : 1);
  }
  int result;
  REQUIRE(::waitpid(pid, &result, 0) == pid);
  CHECK(result == 0);
}

TEST_CASE("messages cross in both directions, and ring only a sleeper") {
  Pair pair;
  v1::Start start;
  start.set_activity_type("say_hello");
  REQUIRE(pair.supervisor.send(RecordType::start, start) == Send::done);
  CHECK(count_rings(pair.child_bell.get()) == 0);
  REQUIRE(pair.child.receive() == Receive::message);
  CHECK(pair.child.type() == RecordType::start);
  v1::Start received;
  REQUIRE(pair.child.parse(received));
  CHECK(received.activity_type() == "say_hello");
  CHECK(pair.child.receive() == Receive::none);

  pair.supervisor.about_to_sleep();
  CHECK_FALSE(pair.supervisor.has_message());
  REQUIRE(pair.child.send(RecordType::completed, completed(3)) == Send::done);
  CHECK(count_rings(pair.supervisor_bell.get()) == 1);
  pair.supervisor.awake();
  REQUIRE(pair.supervisor.receive() == Receive::message);
  CHECK(pair.supervisor.type() == RecordType::completed);

  pair.child.about_to_sleep();
  CHECK_FALSE(pair.child.has_message());
  REQUIRE(pair.supervisor.send(RecordType::start, start) == Send::done);
  REQUIRE(pair.supervisor.send(RecordType::ping, v1::Ping()) == Send::done);
  CHECK(count_rings(pair.child_bell.get()) == 1);
}

TEST_CASE("messages of every size arrive whole, in the record or in a segment") {
  auto before = open_descriptors();
  {
    Pair pair;
    pair.grant(8 << 20);
    for (std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{32 * 1024 - 20}, std::size_t{32 * 1024 - 1},
          std::size_t{32 * 1024}, std::size_t{32 * 1024 + 1}, std::size_t{4 << 20}}) {
      CAPTURE(size);
      for (int i = 0; i < 12; ++i) {  // often enough to wrap
        auto message = completed(size);
        REQUIRE(pair.child.send(RecordType::completed, message) == Send::done);
        REQUIRE(pair.supervisor.receive() == Receive::message);
        v1::Completed received;
        REQUIRE(pair.supervisor.parse(received));
        CHECK(received.SerializeAsString() == message.SerializeAsString());
      }
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("a message over the cap is refused by its sender") {
  Pair pair;
  Channel small(child_ends(pair.child_arena, pair.supervisor_bell.get(), pair.bulk.second.get()),
                100'000);
  CHECK(small.send(RecordType::completed, completed(100'000)) == Send::too_large);
  v1::Log log;
  log.set_message(std::string(kInlineLimit + 1, 'l'));
  CHECK(pair.child.send(RecordType::log, log) == Send::too_large);
}

TEST_CASE("less important messages leave room for the others") {
  Pair pair;
  v1::Log log;
  log.set_message(std::string(10'000, 'l'));
  int sent = 0;
  while (pair.child.send_if_room(RecordType::log, log, 64 * 1024) == Send::done) ++sent;
  CHECK(sent > 10);
  CHECK(pair.child.send(RecordType::completed, completed(kInlineLimit - 100)) == Send::done);
}

TEST_CASE("a segment is made once, reused, replaced by a larger one, and given back") {
  Pair pair;
  const auto mapped = [] {
    std::ifstream maps("/proc/self/maps");
    int count = 0;
    for (std::string line; std::getline(maps, line);)
      count += line.find("memfd:temporal-bulk") != std::string::npos;
    return count;
  };
  const auto send = [&](std::size_t size) {
    v1::Start start, received;
    start.mutable_input()->add_payloads()->set_data(std::string(size, 's'));
    REQUIRE(pair.supervisor.send(RecordType::start, start) == Send::done);
    REQUIRE(pair.child.receive() == Receive::message);
    REQUIRE(pair.child.parse(received));
    CHECK(received.input().payloads(0).data() == std::string(size, 's'));
    return pair.child.bytes().data();
  };
  const auto* first = send(100'000);
  CHECK(mapped() == 2);  // here and there
  CHECK(send(120'000) == first);
  send(1 << 20);
  CHECK(mapped() == 2);
  CHECK(pair.supervisor.has_segments());
  pair.grant(100'000);
  CHECK(mapped() == 4);
  pair.supervisor.trim();
  CHECK_FALSE(pair.supervisor.has_segments());
  CHECK(pair.child.receive() == Receive::none);
  CHECK_FALSE(pair.child.has_segments());
  CHECK(mapped() == 0);
  CHECK(pair.child.send(RecordType::completed, completed(100'000)) == Send::need_segment);
  send(100'000);
  pair.grant(100'000);
  CHECK(pair.child.send(RecordType::completed, completed(100'000)) == Send::done);
  CHECK(pair.supervisor.receive() == Receive::message);
}

TEST_CASE("a child can neither write what comes down, nor cut away what goes up") {
  for (const auto direction : {Direction::down, Direction::up}) {
    auto segment = make_segment(direction, 100'000);
    REQUIRE(segment);
    const int fd = segment->fd.get();
    CHECK(segment->size() == 131'072);
    CHECK(::ftruncate(fd, 0) != 0);
    CHECK(::ftruncate(fd, 1 << 20) != 0);
    CHECK(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) != 0);
    const bool writable = Mapping::map(fd, segment->size(), Access::read_write).has_value();
    CHECK(writable == (direction == Direction::up));
    CHECK((::pwrite(fd, "x", 1, 0) == 1) == (direction == Direction::up));
  }
}

TEST_CASE("no segment now: the child hears it, and may ask again") {
  Pair pair;
  REQUIRE(pair.child.ask_for_segment(100'000) == Send::done);
  REQUIRE(pair.supervisor.receive() == Receive::message);
  REQUIRE(pair.supervisor.grant(std::nullopt) == Send::done);
  REQUIRE(pair.child.receive() == Receive::message);
  CHECK(pair.child.type() == RecordType::bulk);
  CHECK_FALSE(pair.child.granted());
  pair.grant(100'000);
}

TEST_CASE("a segment that a process had no descriptor for is taken later") {
  Pair pair;
  v1::Start start, received;
  start.mutable_input()->add_payloads()->set_data(std::string(100'000, 's'));
  REQUIRE(pair.supervisor.send(RecordType::start, start) == Send::done);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{0, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto refused = pair.child.receive();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(refused == Receive::no_resources);
  CHECK(pair.child.type() == RecordType::start);
  SUBCASE("by the next message in it") {}
  SUBCASE("or not at all, when a larger one replaces it") {
    start.mutable_input()->mutable_payloads(0)->set_data(std::string(1 << 20, 'l'));
  }
  REQUIRE(pair.supervisor.send(RecordType::start, start) == Send::done);
  REQUIRE(pair.child.receive() == Receive::message);
  REQUIRE(pair.child.parse(received));
  CHECK(received.SerializeAsString() == start.SerializeAsString());
}

TEST_CASE("a large message must lie in the segment that its child was given") {
  Pair pair;
  const auto refused = [&](const BulkPlace& place) {
    pair.forge(RecordType::completed, place, kBulkFlag);
    return pair.supervisor.receive() == Receive::corrupt && pair.supervisor.fault() != nullptr &&
           pair.supervisor.receive() == Receive::corrupt;
  };
  SUBCASE("none was given") { CHECK(refused({1, 0, 0, 100'000})); }
  SUBCASE("none has the number 0") { CHECK(refused({})); }
  SUBCASE("of a bare size") {
    pair.forge(RecordType::completed, std::uint64_t{100'000}, kBulkFlag);
    CHECK(pair.supervisor.receive() == Receive::corrupt);
  }
  SUBCASE("in a record that cannot be large") {
    pair.forge(RecordType::log, BulkPlace{1, 0, 0, 100}, kBulkFlag);
    CHECK(pair.supervisor.receive() == Receive::corrupt);
  }
  SUBCASE("a need that no answer has") {
    SUBCASE("too small") { pair.forge(RecordType::need_bulk, std::uint64_t{kInlineLimit}); }
    SUBCASE("too large") {
      pair.forge(RecordType::need_bulk, std::uint64_t{kDefaultLargestBulk + 1});
    }
    CHECK(pair.supervisor.receive() == Receive::corrupt);
  }
}

TEST_CASE("a large message must lie within its segment") {
  constexpr auto kAll = ~std::uint64_t{0};
  const std::vector<BulkPlace> places{{2, 0, 0, 100'000},
                                      {1, 0, 1, 131'072},
                                      {1, 0, 0, 131'073},
                                      {1, 0, 131'073, 0},
                                      {1, 0, kAll, 2},
                                      {1, 0, 2, kAll},
                                      {1, 0, kAll - 1'000, 1'000'000}};
  for (const auto& place : places) {
    CAPTURE(place.offset);
    CAPTURE(place.length);
    Pair pair;
    pair.forge(RecordType::need_bulk, std::uint64_t{100'000});
    REQUIRE(pair.supervisor.receive() == Receive::message);
    REQUIRE(pair.supervisor.grant(make_segment(Direction::up, 100'000)) == Send::done);
    pair.forge(RecordType::completed, place, kBulkFlag);
    CHECK(pair.supervisor.receive() == Receive::corrupt);
  }
}

TEST_CASE("bytes that are no message of their type end the channel") {
  Pair pair;
  RingProducer forger(pair.child_arena.ring_b(), pair.child_arena.ring_capacity(),
                      pair.child_arena.ends().tail, pair.child_arena.supervisor_ends().head,
                      pair.child_arena.epoch(), up_rules());
  REQUIRE(forger.push(static_cast<std::uint16_t>(RecordType::completed), bytes("\xff\xff\xff")) ==
          Push::done);
  REQUIRE(pair.supervisor.receive() == Receive::message);
  v1::Completed message;
  CHECK_FALSE(pair.supervisor.parse(message));
  CHECK(pair.supervisor.receive() == Receive::corrupt);
}
