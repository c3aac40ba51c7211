// SPDX-License-Identifier: MIT
#include "shared/ipc/memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <boost/interprocess/exceptions.hpp>
#include <cerrno>

namespace temporal::ipc {
namespace {

// What mapped_region asks of a mappable object.
struct Handle {
  int fd;
  [[nodiscard]] boost::interprocess::mapping_handle_t get_mapping_handle() const {
    return boost::interprocess::mapping_handle_t{fd, false};
  }
};

}  // namespace

UniqueFd create_memory(const char* name, std::size_t size) noexcept {
  UniqueFd memory(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return {};
  int result;
  do {
    result = ::fallocate(memory.get(), 0, 0, static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  if (result != 0) return {};
  return memory;
}

bool seal(int memory, Seals seals) noexcept {
  int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (seals == Seals::size_and_write) wanted |= F_SEAL_FUTURE_WRITE;
  return ::fcntl(memory, F_ADD_SEALS, wanted) == 0;
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
