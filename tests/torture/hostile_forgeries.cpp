// SPDX-License-Identifier: MIT
// Garbage of every kind where the supervisor reads.
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "child/v1/child.pb.h"
#include "tests/torture/forger.hpp"
#include "tests/torture/hostile.hpp"

namespace hostile {
namespace {

namespace v1 = temporal::child::v1;
using ipc::RecordType;
using Random = std::mt19937;

std::string bytes_of(const auto& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// A large answer that is not where it says.
Forgery large(std::uint64_t offset, std::uint64_t length, ipc::SegmentNumber segment = 1) {
  return {.payload = bytes_of(ipc::BulkPlace{segment, 0, offset, length}), .flags = ipc::kBulkFlag};
}

// Waits until the supervisor has made the segment that was asked for: its offer is the next thing in ring A.
void ask_for_segment(Forger& forger, std::uint64_t size) {
  const auto before = forger.supervisor_ends().tail.load();
  forger.write({.type = RecordType::need_bulk, .payload = bytes_of(size)});
  forger.ring();
  while (forger.supervisor_ends().tail.load() == before) {
  }
}

void random_bytes(Forger& forger, Random& random) {
  for (std::size_t at = 0; at + 4 <= forger.up().size; at += 4) {
    const auto word = static_cast<std::uint32_t>(random());
    std::memcpy(forger.up().data + at, &word, sizeof word);
  }
}

// A second thread flips bits of a header while it is read.
void flipping_header(Forger& forger, Random& random) {
  std::atomic<std::uint64_t*> header = forger.next_header();
  std::jthread flipper([&header, seed = random()](const std::stop_token& stop) {
    Random own(seed);
    while (!stop.stop_requested()) {
      const auto word = own() % 3;
      __atomic_xor_fetch(header.load() + word, std::uint64_t{1} << own() % 64, __ATOMIC_RELAXED);
    }
  });
  v1::Log line;
  line.set_message("a line");
  for (;;) {
    while (!forger.has_room(256)) {
    }
    header = forger.next_header();
    forger.write(RecordType::log, line);
    forger.ring();
  }
}

void nested(Forger& forger, Random&) {
  v1::Failed failed;
  failed.set_task(forger.task());
  auto* failure = failed.mutable_failure();
  for (int depth = 0; depth < 2'000; ++depth) failure = failure->mutable_cause();
  forger.write(RecordType::failed, failed);
}

void impossible_heartbeat(Forger& forger, Random& random) {
  auto& slot = forger.heartbeats();
  for (auto& half : slot.halves) half.sizes.store(~std::uint64_t{random()});
  slot.page.sequence.store(slot.page.sequence.load() + 1);
}

void wild_tail(Forger& forger, std::uint64_t to) { forger.ends().tail.store(to); }

void line_then(Forger& forger, const std::string& fields) {
  v1::Log line;
  line.set_message("not UTF-8: \xff");
  line.set_fields_json(fields);
  forger.write(RecordType::log, line);
  wild_tail(forger, 1);
}

using Damage = std::function<void(Forger&, Random&)>;
const auto& damages() {
  static const std::array<Damage, 26> all{
      random_bytes,
      flipping_header,
      nested,
      impossible_heartbeat,
      [](Forger& f, Random&) { wild_tail(f, ~std::uint64_t{0}); },
      [](Forger& f, Random&) { wild_tail(f, f.ends().tail.load() + 1); },
      [](Forger& f, Random& r) { wild_tail(f, std::uint64_t{r()} << 20); },
      // Zeros, where there was something: also where the tail was.
      [](Forger& f, Random&) { (void)::madvise(f.up().data, f.up().size, MADV_REMOVE); },
      [](Forger& f, Random&) { f.write({.payload = "x", .length_by = -2}); },
      [](Forger& f, Random&) { f.write({.payload = "x", .length_by = 30'000}); },
      [](Forger& f, Random&) { f.write({.sequence_by = -1}); },
      [](Forger& f, Random&) { f.write({.sequence_by = 1}); },
      [](Forger& f, Random&) { f.write({.epoch_by = -1}); },
      [](Forger& f, Random&) { f.write({.checksum_flip = 1}); },
      [](Forger& f, Random&) { f.write({.type = RecordType::start}); },
      [](Forger& f, Random&) { f.write({.flags = 0x8000}); },
      [](Forger& f, Random&) { f.write({.payload = std::string(100, '\xff')}); },
      [](Forger& f, Random&) { f.write({.payload = "a place", .flags = ipc::kBulkFlag}); },
      [](Forger& f, Random&) { f.write(large(0, 100'000)); },
      [](Forger& f, Random&) { f.write(large(0, 1ULL << 62)); },
      [](Forger& f, Random&) { f.write(large(0, 0, 0)); },
      [](Forger& f, Random&) {
        f.write({.type = RecordType::need_bulk, .payload = bytes_of(1ULL << 62)});
      },
      // Of a segment that is there: another one, beyond its end, and what is no message in it.
      [](Forger& f, Random&) {
        ask_for_segment(f, 100'000);
        f.write(large(0, 100, 2));
      },
      [](Forger& f, Random& r) {
        ask_for_segment(f, 100'000);
        f.write(large(~std::uint64_t{0} - r() % 1'000, r() % 100'000 + 1'000));
      },
      [](Forger& f, Random&) {
        ask_for_segment(f, 2 << 20);
        f.write(large(0, 2 << 20));
      },
      [](Forger& f, Random&) { line_then(f, std::string(30'000, '[')); },
  };
  return all;
}

void answer(Forger& forger, std::uint64_t task) {
  v1::Completed completed;
  completed.set_task(task);
  completed.mutable_result()->add_payloads()->set_data("1");
  (*completed.mutable_result()->mutable_payloads(0)->mutable_metadata())["encoding"] = "json/plain";
  forger.write(RecordType::completed, completed);
}

void refuse(Forger& forger, std::uint64_t task) {
  v1::Failed failed;
  failed.set_task(task);
  failed.mutable_failure()->set_message("forged");
  forger.write(RecordType::failed, failed);
}

}  // namespace

int kinds_of_damage() { return static_cast<int>(damages().size()); }

void do_damage(int kind, int seed) {
  Forger forger;
  Random random(static_cast<unsigned>(seed));
  damages().at(static_cast<std::size_t>(kind))(forger, random);
  forger.ring();
  hang();  // an answer would put some of it right again
}

// As many answers as there are letters: c completes, f fails the task in hand; p is for the task before it, u for one that nobody
// knows, o from another incarnation.
void answer_as(std::string letters) {
  Forger forger;
  const auto task = forger.task();
  for (char letter : letters) {
    if (letter == 'c') answer(forger, task);
    if (letter == 'f') refuse(forger, task);
    if (letter == 'p') answer(forger, task - 1);
    if (letter == 'u') answer(forger, task + 1'000);
    if (letter == 'o') forger.write({.payload = "", .epoch_by = -1});
  }
  forger.ring();
  hang();
}

// Says that it has not taken anything for a whole ring, until the file appears.
int hold_ring_a(std::string file) {
  Forger forger;
  auto& head = forger.ends().head;
  const auto truth = head.load();
  ipc::Header header;
  std::memcpy(&header, forger.down().data, sizeof header);
  head.store(forger.supervisor_ends().tail.load() - header.ring_capacity);
  std::thread([&head, truth, file] {
    while (::access(file.c_str(), F_OK) != 0) ::usleep(1'000);
    head.store(truth);
  }).detach();
  return ::getpid();
}

void register_forgeries(temporal::Module& m) {
  m.activity<kinds_of_damage>();
  m.activity<do_damage>();
  m.activity<answer_as>();
  m.activity<hold_ring_a>();
}

}  // namespace hostile
