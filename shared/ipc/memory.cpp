// SPDX-License-Identifier: MIT
#include "shared/ipc/memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <boost/interprocess/exceptions.hpp>
#include <cerrno>
#include <cstdio>

namespace temporal::ipc {
namespace {

constexpr unsigned kSealable = MFD_CLOEXEC | MFD_ALLOW_SEALING;

// Of this process and all it will start: what was denied once is denied for ever.
std::atomic<bool> memfds_denied = false;

UniqueFd create_memfd(const char* name) noexcept {
  if (memfds_denied) return {};
  UniqueFd memory(::memfd_create(name, kSealable));
  // Want of memory or descriptors is not forever.
  if (!memory && (errno == EPERM || errno == EACCES || errno == ENOSYS)) memfds_denied = true;
  return memory;
}

UniqueFd create_unnamed(const char* name) noexcept {
  static std::atomic<unsigned> number = 0;
  constexpr int kTries = 100;  // of names that others, in their own PID namespaces, may have
  for (int i = 0; i < kTries; ++i) {
    std::array<char, 128> path;
    std::snprintf(path.data(), path.size(), "/%s.%d.%u", name, ::getpid(), number++);
    UniqueFd memory(::shm_open(path.data(), O_RDWR | O_CREAT | O_EXCL, 0600));  // close-on-exec
    if (memory) ::shm_unlink(path.data());
    if (memory || errno != EEXIST) return memory;
  }
  return {};
}

// Seals that a file of /dev/shm has from birth; what is no memory has no answer at all.
bool cannot_be_sealed(int seals) noexcept { return seals == F_SEAL_SEAL; }

// What mapped_region asks of a mappable object.
struct Handle {
  int fd;
  [[nodiscard]] boost::interprocess::mapping_handle_t get_mapping_handle() const {
    return boost::interprocess::mapping_handle_t{fd, false};
  }
};

}  // namespace

UniqueFd create_memory(const char* name, std::size_t size) noexcept {
  UniqueFd memory = create_memfd(name);
  if (!memory && memfds_denied) memory = create_unnamed(name);
  if (!memory) return {};
  int error;
  do {
    error = ::posix_fallocate(memory.get(), 0, static_cast<off_t>(size));
  } while (error == EINTR);
  if (error != 0) return {};
  return memory;
}

bool memory_can_be_sealed() noexcept {
  (void)create_memfd("temporal-question");
  return !memfds_denied;
}

bool seal(int memory, Seals seals) noexcept {
  int wanted = F_SEAL_SEAL;
  wanted |= F_SEAL_SHRINK | F_SEAL_GROW;
  if (seals == Seals::size_and_write) wanted |= F_SEAL_FUTURE_WRITE;
  return ::fcntl(memory, F_ADD_SEALS, wanted) == 0 ||
         (memfds_denied && cannot_be_sealed(::fcntl(memory, F_GET_SEALS)));
}

std::size_t size_of_memory(int memory) noexcept {
  struct stat status {};
  if (::fstat(memory, &status) != 0 || status.st_size < 0) return 0;
  return static_cast<std::size_t>(status.st_size);
}

std::optional<Mapping> Mapping::map(int memory, std::size_t size, Access access) noexcept {
  namespace bip = boost::interprocess;
  try {
    auto mode = access == Access::read_only ? bip::read_only : bip::read_write;
    return Mapping(bip::mapped_region(Handle{memory}, mode, 0, size));
  } catch (const bip::interprocess_exception&) {
    return std::nullopt;
  }
}

bool Mapping::keep_out_of_forks_and_dumps() noexcept {
  return ::madvise(data(), size(), MADV_DONTFORK) == 0 &&
         ::madvise(data(), size(), MADV_DONTDUMP) == 0;
}

void Mapping::populate(Access access) noexcept {
  // Older kernels do not know it: the pages come one by one then.
  (void)::madvise(data(), size(),
                  access == Access::read_only ? MADV_POPULATE_READ : MADV_POPULATE_WRITE);
}

}  // namespace temporal::ipc
