// SPDX-License-Identifier: MIT
#include "supervisor/control/places.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>

#include "shared/ipc/fd.hpp"

namespace fs = std::filesystem;

namespace temporal::supervisor::control {

namespace {

constexpr std::string_view kSuffix = ".sock";
constexpr std::size_t kLongestPid = 10;

std::optional<pid_t> pid_of(const fs::path& socket) {
  const auto name = socket.filename().string();
  if (!name.ends_with(kSuffix)) return std::nullopt;
  const char* const end = name.data() + name.size() - kSuffix.size();
  pid_t pid = 0;
  const auto [stop, error] = std::from_chars(name.data(), end, pid);
  if (error != std::errc{} || stop != end || pid <= 0) return std::nullopt;
  return pid;
}

std::vector<Found> sockets_in(const fs::path& folder) {
  std::vector<Found> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (const auto pid = pid_of(entry->path())) found.push_back({*pid, entry->path()});
  std::ranges::sort(found, {}, &Found::pid);
  return found;
}

/// Empty: it can be used.
std::string fault_of(const fs::path& folder) {
  if (folder.string().size() + 1 + kLongestPid + kSuffix.size() > longest_path())
    return "its name is too long for a socket";
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return std::strerror(errno);
  struct stat is {};
  if (::lstat(folder.c_str(), &is) != 0) return std::strerror(errno);
  if (!S_ISDIR(is.st_mode)) return "it is no folder";
  if (is.st_uid != ::geteuid()) return "it belongs to another user";
  if ((is.st_mode & 077) != 0) return "others may use it too (chmod 700 mends that)";
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return std::strerror(errno);
  return {};
}

// A process that has just bound its socket does not listen yet, so its absence is asked for as well.
void remove_dead(const fs::path& folder) {
  for (const auto& [pid, socket] : sockets_in(folder))
    if (::kill(pid, 0) != 0 && errno == ESRCH && listener_at(socket) == Listener::dead)
      ::unlink(socket.c_str());
}

}  // namespace

std::vector<fs::path> folders() {
  std::vector<fs::path> folders;
  // What is not absolute depends on where somebody was started.
  const auto is_place = [](const char* folder) { return folder && folder[0] == '/'; };
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const char* temporary = std::getenv("TMPDIR");
  if (is_place(runtime)) folders.push_back(fs::path(runtime) / "temporal-supervisor");
  folders.push_back(fs::path(is_place(temporary) ? temporary : "/tmp") /
                    ("temporal-supervisor-" + std::to_string(::geteuid())));
  return folders;
}

fs::path socket_in(const fs::path& folder, pid_t pid) {
  return folder / (std::to_string(pid) + std::string(kSuffix));
}

fs::path make_folder() {
  std::string faults;
  for (const auto& folder : folders()) {
    const auto fault = fault_of(folder);
    if (fault.empty()) {
      remove_dead(folder);
      return folder;
    }
    faults += (faults.empty() ? "" : "; ") + folder.string() + ": " + fault;
  }
  throw ControlError("there is no folder for it (" + faults + ")");
}

std::size_t longest_path() noexcept { return sizeof(sockaddr_un::sun_path) - 1; }

void check_path(const fs::path& socket) {
  const auto bytes = socket.native().size();
  if (bytes > longest_path())
    throw ControlError("the path of a socket may have " + std::to_string(longest_path()) +
                       " bytes, and " + socket.string() + " has " + std::to_string(bytes) +
                       ": name a shorter one");
}

Listener listener_at(const fs::path& socket) {
  sockaddr_un address{};
  if (socket.native().size() > longest_path()) return Listener::unknown;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
  const ipc::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Listener::unknown;
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(fd.get(), where, sizeof address) == 0) return Listener::alive;
  if (errno == EAGAIN) return Listener::alive;  // many ask it just now
  if (errno == ENOENT) return Listener::none;
  struct stat is {};
  // Of a file that is no socket the kernel says the same.
  const bool refused = errno == ECONNREFUSED;
  return refused && ::lstat(socket.c_str(), &is) == 0 && S_ISSOCK(is.st_mode) ? Listener::dead
                                                                              : Listener::unknown;
}

std::vector<Found> find_workers() {
  std::vector<Found> found;
  for (const auto& folder : folders())
    for (auto& one : sockets_in(folder))
      if (listener_at(one.socket) == Listener::alive) found.push_back(std::move(one));
  return found;
}

}  // namespace temporal::supervisor::control
