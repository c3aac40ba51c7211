// SPDX-License-Identifier: MIT
// The small files of /sys/fs/cgroup and /proc, by which the kernel takes orders.
#pragma once

#include <filesystem>
#include <string_view>
#include <system_error>

namespace temporal {

/// One write to a file that is there; what the kernel said to it.
[[nodiscard]] std::error_code write_kernel_file(const std::filesystem::path& file,
                                                std::string_view text);

}  // namespace temporal
