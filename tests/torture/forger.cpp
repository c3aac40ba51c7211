// SPDX-License-Identifier: MIT
#include "tests/torture/forger.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "shared/ipc/crc32c.hpp"

namespace hostile {
namespace {

namespace fs = std::filesystem;

// As shared/ipc/arena.cpp and ring.cpp lay it out.
static_assert(ipc::kLayoutVersion == 5);
constexpr std::size_t kControl = 1 * ipc::kPage, kDownEnds = 2 * ipc::kPage;
constexpr std::size_t kUpEnds = 1 * ipc::kPage, kRingB = 3 * ipc::kPage;

struct RecordHeader {
  std::uint32_t length;
  std::uint16_t type;
  std::uint16_t flags;
  std::uint64_t seq;
  std::uint32_t epoch;
  std::uint32_t crc;
};
static_assert(sizeof(RecordHeader) == ipc::kRecordHeaderSize);

std::uint64_t padded(std::uint64_t length) {
  const auto bytes = length + ipc::kRecordHeaderSize;
  return (bytes + ipc::kRecordAlignment - 1) / ipc::kRecordAlignment * ipc::kRecordAlignment;
}

std::string target_of(int fd) {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/fd/" + std::to_string(fd), ignored);
}

}  // namespace

Half find_half(std::string_view which) {
  const std::string name = "temporal-" + std::string(which);  // with seals or without
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(name) == std::string::npos) continue;
    std::size_t used = 0;
    const auto begin = std::stoull(line, &used, 16);
    const auto end = std::stoull(line.substr(used + 1), nullptr, 16);
    return {reinterpret_cast<std::byte*>(begin), end - begin, line.substr(0, line.find(' '))};
  }
  throw std::runtime_error("no mapping of " + name);
}

bool sees_arena() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find("temporal-up") != std::string::npos ||
        line.find("temporal-down") != std::string::npos)
      return true;
  return false;
}

// Nothing else here has one.
int supervisor_bell() {
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    if (target_of(fd) == "anon_inode:[eventfd]") return fd;
  }
  throw std::runtime_error("no bell");
}

Forger::Forger() : up_(find_half("up")), down_(find_half("down")), bell_(supervisor_bell()) {
  ipc::Header header;
  std::memcpy(&header, down_.data, sizeof header);
  epoch_ = header.epoch;
  capacity_ = header.ring_capacity;
  const auto end = ends().tail.load();
  if (end > capacity_) throw std::runtime_error("this child has said too much already");
  for (; tail_ < end; ++sequence_) {
    RecordHeader record;
    std::memcpy(&record, up_.data + kRingB + tail_, sizeof record);
    tail_ += padded(record.length);
  }
}

void Forger::write(const Forgery& forgery) {
  auto* ring = up_.data + kRingB;
  const auto length = static_cast<std::uint32_t>(forgery.payload.size());
  RecordHeader header{static_cast<std::uint32_t>(length + forgery.length_by),
                      static_cast<std::uint16_t>(forgery.type),
                      forgery.flags,
                      ++sequence_ + static_cast<std::uint64_t>(forgery.sequence_by),
                      epoch_ + static_cast<std::uint32_t>(forgery.epoch_by),
                      0};
  const auto head_bytes = std::as_bytes(std::span(&header, 1)).first(offsetof(RecordHeader, crc));
  const auto payload = std::as_bytes(std::span(forgery.payload));
  header.crc = ipc::crc32c(0, head_bytes);
  const auto type = static_cast<std::size_t>(forgery.type);
  const auto rules = ipc::up_rules();
  if (type < rules.size() && rules[type].checked) header.crc = ipc::crc32c(header.crc, payload);
  header.crc ^= forgery.checksum_flip;
  for (std::uint32_t i = 0; i < length; ++i)
    ring[(tail_ + sizeof header + i) & (capacity_ - 1)] = payload[i];
  std::memcpy(ring + (tail_ & (capacity_ - 1)), &header, sizeof header);
  tail_ += padded(length);
  ends().tail.store(tail_);
}

void Forger::ring() const {
  const std::uint64_t one = 1;
  (void)!::write(bell_, &one, sizeof one);
}

// The lowest 24 bits of its number: a young child has not had more.
std::uint64_t Forger::task() const { return control().cancel.load() >> 8; }

std::uint64_t* Forger::next_header() const {
  return reinterpret_cast<std::uint64_t*>(up_.data + kRingB + (tail_ & (capacity_ - 1)));
}

bool Forger::has_room(std::uint32_t bytes) const {
  return tail_ + padded(bytes) - supervisor_ends().head.load() <= capacity_;
}

ipc::EndsPage& Forger::ends() const {
  return *reinterpret_cast<ipc::EndsPage*>(up_.data + kUpEnds);
}
const ipc::EndsPage& Forger::supervisor_ends() const {
  return *reinterpret_cast<const ipc::EndsPage*>(down_.data + kDownEnds);
}
const ipc::ControlPage& Forger::control() const {
  return *reinterpret_cast<const ipc::ControlPage*>(down_.data + kControl);
}
ipc::HeartbeatMemory& Forger::heartbeats() const {
  return *reinterpret_cast<ipc::HeartbeatMemory*>(up_.data + kRingB + capacity_);
}

}  // namespace hostile
