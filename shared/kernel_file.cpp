// SPDX-License-Identifier: MIT
#include "shared/kernel_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "shared/ipc/fd.hpp"

namespace temporal {

std::error_code write_kernel_file(const std::filesystem::path& file, std::string_view text) {
  const ipc::UniqueFd opened(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!opened || ::write(opened.get(), text.data(), text.size()) < 0)
    return {errno, std::system_category()};
  return {};
}

}  // namespace temporal
