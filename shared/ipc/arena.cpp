// SPDX-License-Identifier: MIT
#include "shared/ipc/arena.hpp"

#include <bit>
#include <cstring>
#include <utility>

namespace temporal::ipc {
namespace {

constexpr std::size_t kControl = 1 * kPage;
constexpr std::size_t kDownEnds = 2 * kPage;
constexpr std::size_t kRingA = 3 * kPage;

constexpr std::size_t kStatus = 0;
constexpr std::size_t kUpEnds = 1 * kPage;
constexpr std::size_t kCrash = 2 * kPage;
constexpr std::size_t kRingB = 3 * kPage;

static_assert(sizeof(Header) <= kPage && sizeof(ControlPage) == kPage);
static_assert(sizeof(CrashPage) == kPage && sizeof(StatusPage) == kPage &&
              sizeof(EndsPage) == kPage);
static_assert(sizeof(HeartbeatMemory) == kPage + 2 * (kPage + kHeartbeatDetailsLimit));

bool valid_capacity(std::uint32_t capacity) {
  return std::has_single_bit(capacity) && capacity >= kPage && capacity <= kLargestRingCapacity;
}
std::size_t down_size(std::uint32_t capacity) { return kRingA + capacity; }
std::size_t up_size(std::uint32_t capacity) { return kRingB + capacity + sizeof(HeartbeatMemory); }

template <class T>
T& at(const Mapping& mapping, std::size_t offset) noexcept {
  return *reinterpret_cast<T*>(mapping.data() + offset);
}

}  // namespace

std::optional<SupervisorArena> SupervisorArena::create(std::uint32_t epoch,
                                                       std::uint32_t ring_capacity) noexcept {
  if (!valid_capacity(ring_capacity)) return std::nullopt;
  UniqueFd down_fd = create_memory("temporal-down", down_size(ring_capacity));
  UniqueFd up_fd = create_memory("temporal-up", up_size(ring_capacity));
  if (!down_fd || !up_fd) return std::nullopt;
  auto down = Mapping::map(down_fd.get(), down_size(ring_capacity), Access::read_write);
  auto up = Mapping::map(up_fd.get(), up_size(ring_capacity), Access::read_only);
  if (!down || !up) return std::nullopt;
  Header header{kMagic, kLayoutVersion, epoch, ring_capacity};
  std::memcpy(down->data(), &header, sizeof header);
  // After this only the mapping above can write the down half.
  if (!seal(down_fd.get(), Seals::size_and_write) || !seal(up_fd.get(), Seals::size))
    return std::nullopt;
  return SupervisorArena(epoch, ring_capacity, std::move(down_fd), std::move(up_fd),
                         std::move(*down), std::move(*up));
}

SupervisorArena::SupervisorArena(std::uint32_t epoch, std::uint32_t capacity, UniqueFd down_fd,
                                 UniqueFd up_fd, Mapping down, Mapping up) noexcept
    : epoch_(epoch),
      capacity_(capacity),
      down_fd_(std::move(down_fd)),
      up_fd_(std::move(up_fd)),
      down_(std::move(down)),
      up_(std::move(up)) {}

void SupervisorArena::close_descriptors() noexcept {
  down_fd_.reset();
  up_fd_.reset();
}

ControlPage& SupervisorArena::control() const noexcept { return at<ControlPage>(down_, kControl); }
EndsPage& SupervisorArena::ends() const noexcept { return at<EndsPage>(down_, kDownEnds); }
std::byte* SupervisorArena::ring_a() const noexcept { return down_.data() + kRingA; }
const StatusPage& SupervisorArena::status() const noexcept { return at<StatusPage>(up_, kStatus); }
const CrashPage& SupervisorArena::crash() const noexcept { return at<CrashPage>(up_, kCrash); }
const EndsPage& SupervisorArena::child_ends() const noexcept { return at<EndsPage>(up_, kUpEnds); }
const std::byte* SupervisorArena::ring_b() const noexcept { return up_.data() + kRingB; }
const HeartbeatMemory& SupervisorArena::heartbeat() const noexcept {
  return at<HeartbeatMemory>(up_, kRingB + capacity_);
}

std::optional<ChildArena> ChildArena::open(int down_fd, int up_fd) noexcept {
  if (size_of_memory(down_fd) < kRingA) return std::nullopt;
  auto first = Mapping::map(down_fd, kPage, Access::read_only);
  if (!first) return std::nullopt;
  Header header;
  std::memcpy(&header, first->data(), sizeof header);
  if (header.magic != kMagic || header.layout_version != kLayoutVersion ||
      !valid_capacity(header.ring_capacity) ||
      size_of_memory(down_fd) != down_size(header.ring_capacity) ||
      size_of_memory(up_fd) != up_size(header.ring_capacity))
    return std::nullopt;
  auto down = Mapping::map(down_fd, down_size(header.ring_capacity), Access::read_only);
  auto up = Mapping::map(up_fd, up_size(header.ring_capacity), Access::read_write);
  if (!down || !up || !down->keep_out_of_forks_and_dumps() || !up->keep_out_of_forks_and_dumps())
    return std::nullopt;
  return ChildArena(header.epoch, header.ring_capacity, std::move(*down), std::move(*up));
}

ChildArena::ChildArena(std::uint32_t epoch, std::uint32_t capacity, Mapping down,
                       Mapping up) noexcept
    : epoch_(epoch), capacity_(capacity), down_(std::move(down)), up_(std::move(up)) {}

const ControlPage& ChildArena::control() const noexcept { return at<ControlPage>(down_, kControl); }
const EndsPage& ChildArena::supervisor_ends() const noexcept {
  return at<EndsPage>(down_, kDownEnds);
}
const std::byte* ChildArena::ring_a() const noexcept { return down_.data() + kRingA; }
StatusPage& ChildArena::status() const noexcept { return at<StatusPage>(up_, kStatus); }
CrashPage& ChildArena::crash() const noexcept { return at<CrashPage>(up_, kCrash); }
EndsPage& ChildArena::ends() const noexcept { return at<EndsPage>(up_, kUpEnds); }
std::byte* ChildArena::ring_b() const noexcept { return up_.data() + kRingB; }
HeartbeatMemory& ChildArena::heartbeat() const noexcept {
  return at<HeartbeatMemory>(up_, kRingB + capacity_);
}

}  // namespace temporal::ipc
