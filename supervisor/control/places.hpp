// SPDX-License-Identifier: MIT
// Where a worker's control socket is, so that who asks without a path finds it: PID.sock in a folder that is the user's own,
// below $XDG_RUNTIME_DIR or else below $TMPDIR, which is /tmp where it is not set.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace temporal::supervisor::control {

/// No socket can be had, or none answers. what() says what to do.
class ControlError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Where workers of this user put their sockets, the first choice first. They need not exist.
[[nodiscard]] std::vector<std::filesystem::path> folders();

/// Of a process, in such a folder.
[[nodiscard]] std::filesystem::path socket_in(const std::filesystem::path& folder, pid_t pid);

/// The first folder that can be used, made if need be, without what dead workers left in it. Throws ControlError.
[[nodiscard]] std::filesystem::path make_folder();

enum class Listener {
  alive,    ///< somebody listens
  dead,     ///< a socket whose process is gone
  none,     ///< there is no such file
  unknown,  ///< no socket, or not ours to ask
};
[[nodiscard]] Listener listener_at(const std::filesystem::path& socket);

struct Found {
  pid_t pid;
  std::filesystem::path socket;
};
/// Workers of this user that listen in one of folders().
[[nodiscard]] std::vector<Found> find_workers();

/// Bytes that the path of a socket may have.
[[nodiscard]] std::size_t longest_path() noexcept;
/// Throws ControlError for a path that no socket can have.
void check_path(const std::filesystem::path& socket);

}  // namespace temporal::supervisor::control
