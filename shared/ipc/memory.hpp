// SPDX-License-Identifier: MIT
// Memory that two processes share: nameless, allocated before anybody touches it, sealed. Nothing
// is left behind by `kill -9`, no page is missing at the moment of a write, and nobody can cut the
// memory away under its reader.
//
// Where the system denies memfd_create (filters of old container runtimes, vm.memfd_noexec), memory
// is made in /dev/shm and its name taken away at once. It has no seals: what is promised of them
// above and below is then a matter of trust, which whoever starts children has to say aloud.
#pragma once

#include <boost/interprocess/mapped_region.hpp>
#include <cstddef>
#include <optional>
#include <span>

#include "shared/ipc/fd.hpp"

namespace temporal::ipc {

/// `size` zeroed bytes (a multiple of the page), sealable, close-on-exec. Empty when memory or
/// descriptors are short: the refusal comes here and not as SIGBUS later.
[[nodiscard]] UniqueFd create_memory(const char* name, std::size_t size) noexcept;
/// Does the system let this process have memfds?
[[nodiscard]] bool memory_can_be_sealed() noexcept;

enum class Seals {
  size,            ///< can never shrink nor grow again
  size_and_write,  ///< and no new writable mapping or write(2) by anyone; mappings made before stay
                   ///< writable
};
/// Final: no seal can be added or taken back afterwards. Memory that can have none is left as it is.
[[nodiscard]] bool seal(int memory, Seals seals) noexcept;
/// In bytes; 0 for what is no memory.
[[nodiscard]] std::size_t size_of_memory(int memory) noexcept;

enum class Access { read_only, read_write };

/// One mapping, unmapped with the object.
class Mapping {
 public:
  [[nodiscard]] static std::optional<Mapping> map(int memory, std::size_t size,
                                                  Access access) noexcept;

  [[nodiscard]] std::byte* data() const noexcept {
    return static_cast<std::byte*>(region_.get_address());
  }
  [[nodiscard]] std::size_t size() const noexcept { return region_.get_size(); }
  /// Processes forked from this one do not get it, nor does a core file.
  [[nodiscard]] bool keep_out_of_forks_and_dumps() noexcept;
  /// All pages into the page table at once, which costs a fraction of a fault for each. A wish.
  void populate(Access access) noexcept;

 private:
  explicit Mapping(boost::interprocess::mapped_region region) noexcept
      : region_(std::move(region)) {}
  boost::interprocess::mapped_region region_;
};

}  // namespace temporal::ipc
