// SPDX-License-Identifier: MIT
// Which program and libraries lie where in a process. Two processes that loaded the same files have them at different
// addresses: what one crashed at can be told by the names that the other can read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace temporal {

struct LoadedObject {
  std::string build_id;      ///< bytes that the linker gave it; equal when the code is
  std::uintptr_t base = 0;   ///< what addresses in its file are relative to
  std::uintptr_t begin = 0;  ///< of its code and data in memory
  std::uintptr_t end = 0;
};

/// Of this process, now; those without a build id are left out.
[[nodiscard]] std::vector<LoadedObject> loaded_objects();

/// Where the code at `address` of a process with the objects `there` lies in the process with the objects `here`. Nothing: in
/// no object of both.
[[nodiscard]] std::optional<std::uintptr_t> translated(std::uintptr_t address,
                                                       const std::vector<LoadedObject>& there,
                                                       const std::vector<LoadedObject>& here);

}  // namespace temporal
