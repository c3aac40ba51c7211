// SPDX-License-Identifier: MIT
#include "supervisor/children/delegated_cgroup.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "shared/kernel_file.hpp"
#include "supervisor/own_cgroup.hpp"

namespace temporal::supervisor::children {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr std::string_view kOwnFolder = "children-";  // of one worker
constexpr std::string_view kAside = "supervisor";
constexpr int kTries = 10;
constexpr auto kEmptyAfterKill = milliseconds(500);

std::error_code last_error() { return {errno, std::system_category()}; }

bool lists(const fs::path& file, std::string_view word) {
  std::ifstream words(file);
  for (std::string one; words >> one;)
    if (one == word) return true;
  return false;
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> all;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.is_directory(ignored)) all.push_back(entry.path());
  return all;
}

// Where the tree is mounted, and which part of it.
std::optional<fs::path> own_folder() {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    std::istringstream fields(line);
    std::string number, parent, device, root, mounted;
    fields >> number >> parent >> device >> root >> mounted;
    const auto below = own_cgroup_name().lexically_relative(root);
    if (below.empty() || *below.begin() == "..") continue;
    return below == "." ? fs::path(mounted) : fs::path(mounted) / below;
  }
  return std::nullopt;
}

bool is_marked(const fs::path& group) {
  for (const char* name : {"user.delegate", "trusted.delegate"}) {
    std::array<char, 8> value{};
    if (::getxattr(group.c_str(), name, value.data(), value.size()) == 1 && value[0] == '1')
      return true;
  }
  return false;
}

bool is_populated(const fs::path& group) {
  std::ifstream events(group / "cgroup.events");
  std::string name;
  for (int value = 0; events >> name >> value;)
    if (name == "populated") return value == 1;
  return false;
}

// With what is in those inside it. How many there were.
int kill_all(const fs::path& group) {
  int count = 0;
  for (const auto& inner : folders_in(group)) count += kill_all(inner);
  std::ifstream file(group / "cgroup.procs");
  const std::vector<pid_t> pids(std::istream_iterator<pid_t>(file), {});
  if (write_kernel_file(group / "cgroup.kill", "1"))  // before Linux 5.14
    for (const pid_t pid : pids)
      if (pid > 0) ::kill(pid, SIGKILL);  // 0: of another PID namespace
  return count + static_cast<int>(pids.size());
}

// With those that an activity made in it. False: there is somebody in it. The dead do not count.
bool remove_empty(const fs::path& group) {
  if (::rmdir(group.c_str()) == 0 || errno != EBUSY) return true;
  const auto inner = folders_in(group);
  for (const auto& one : inner) remove_empty(one);
  return !inner.empty() && ::rmdir(group.c_str()) == 0;
}

// Of one worker. How many processes were there.
int end_folder(const fs::path& folder) {
  const auto kill_them = [&folder] {
    int count = 0;
    for (const auto& group : folders_in(folder)) count += kill_all(group);
    return count;
  };
  const int count = kill_them();
  const auto deadline = std::chrono::steady_clock::now() + kEmptyAfterKill;
  while (!remove_empty(folder) && std::chrono::steady_clock::now() < deadline) {
    ::usleep(1'000);
    kill_them();
  }
  return count;
}

// Held by who made the folder, for as long as it lives.
ipc::UniqueFd lock_on(const fs::path& folder) {
  ipc::UniqueFd lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) lock.reset();
  return lock;
}

int end_what_others_left(const fs::path& folder) {
  int count = 0;
  for (const auto& one : folders_in(folder))
    if (one.filename().string().starts_with(kOwnFolder))
      if (const auto lock = lock_on(one)) count += end_folder(one);
  return count;
}

CgroupError refusal(const fs::path& folder, const std::string& why, bool denied = false) {
  return CgroupError("children cannot have cgroups of their own in " + folder.string() + ": " + why,
                     denied);
}

CgroupError refusal(const fs::path& folder, const std::error_code& error) {
  const bool not_ours =
      error == std::errc::permission_denied || error == std::errc::operation_not_permitted;
  const char* next_step =
      not_ours ? "; the folder, its cgroup.procs and its cgroup.subtree_control must be this user's"
               : "";
  return refusal(folder, error.message() + next_step,
                 not_ours || error == std::errc::read_only_file_system);
}

void back_from_aside(const fs::path& folder) {
  if (!write_kernel_file(folder / "cgroup.procs", "0")) ::rmdir((folder / kAside).c_str());
}

// Who hands controllers down may have no process of its own. True: this process had to move aside.
bool hand_down(const fs::path& folder) {
  const auto file = folder / "cgroup.subtree_control";
  if (lists(file, "memory")) return false;
  auto error = write_kernel_file(file, "+memory");
  if (!error) return false;
  if (error != std::errc::device_or_resource_busy) throw refusal(folder, error);
  if (own_folder() == folder) {
    const auto aside = folder / kAside;
    if (::mkdir(aside.c_str(), 0755) != 0 && errno != EEXIST) throw refusal(folder, last_error());
    if (const auto stuck = write_kernel_file(aside / "cgroup.procs", "0")) {
      ::rmdir(aside.c_str());
      throw refusal(folder, stuck);
    }
    if (!write_kernel_file(file, "+memory")) return true;
    back_from_aside(folder);
  }
  throw refusal(folder, "there are processes in it besides this worker; name an empty one");
}

// Who moves a process must be allowed to take it out of whatever is around both places.
void check_way_to(const fs::path& folder) {
  const auto own = own_folder();
  if (!own) throw refusal(folder, "this worker's own cgroup is outside of what is seen here");
  const auto way = folder.lexically_relative(*own);
  fs::path common = *own;
  for (const auto& step : way)
    if (step == "..") common = common.parent_path();
  if (::access((common / "cgroup.procs").c_str(), W_OK) == 0) return;
  const auto error = last_error();
  if (common == folder || error != std::errc::permission_denied) throw refusal(folder, error);
  throw refusal(folder, "children cannot be moved there from " + own->string() +
                            ", because this user may not write cgroup.procs of " + common.string() +
                            "; start the worker in " + folder.string() + ", or in a cgroup in it");
}

}  // namespace

EndedCgroups& EndedCgroups::operator+=(const EndedCgroups& more) {
  dead.insert(dead.end(), more.dead.begin(), more.dead.end());
  not_to_disturb.insert(not_to_disturb.end(), more.not_to_disturb.begin(),
                        more.not_to_disturb.end());
  return *this;
}

void end(EndedCgroups& ended) {
  std::erase_if(ended.not_to_disturb, remove_empty);
  std::erase_if(ended.dead, [](const fs::path& group) {
    if (remove_empty(group)) return true;
    kill_all(group);
    return remove_empty(group);
  });
}

class DelegatedCgroup::Aside {
 public:
  explicit Aside(fs::path from) : from_(std::move(from)) {}
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;
  // As it was found: who starts the next worker puts it where this one was.
  ~Aside() {
    if (!write_kernel_file(from_ / "cgroup.subtree_control", "-memory")) back_from_aside(from_);
  }

 private:
  fs::path from_;
};

std::optional<fs::path> DelegatedCgroup::own() { return own_folder(); }

std::optional<fs::path> DelegatedCgroup::marked() {
  const auto own = own_folder();
  if (!own || is_marked(*own)) return own;
  const auto around = own->parent_path();
  if (!is_marked(around)) return std::nullopt;
  const auto others = folders_in(around);
  const bool shared = std::ranges::any_of(others, [&](const auto& one) {
    const auto name = one.filename().string();
    // systemd's own helpers of a service come and go in .control.
    return one != *own && name != ".control" && !name.starts_with(kOwnFolder) && is_populated(one);
  });
  return shared ? std::nullopt : std::optional(around);
}

std::shared_ptr<DelegatedCgroup> DelegatedCgroup::below(const fs::path& named) {
  struct statfs system {};
  if (::statfs(named.c_str(), &system) != 0) throw refusal(named, last_error());
  if (system.f_type != CGROUP2_SUPER_MAGIC)
    throw refusal(named,
                  "it is no folder of the cgroup tree (version 2), which most systems have at "
                  "/sys/fs/cgroup; name one there");
  const auto folder = fs::canonical(named);
  if (!lists(folder / "cgroup.controllers", "memory"))
    throw refusal(folder,
                  "it has no memory controller; have it handed down (systemd: Delegate=memory; by "
                  "hand: +memory in cgroup.subtree_control of the cgroup around it)",
                  true);
  check_way_to(folder);
  auto aside = hand_down(folder) ? std::make_unique<Aside>(folder) : nullptr;
  const int ended = end_what_others_left(folder);
  for (int tries = 0; tries < kTries; ++tries) {
    auto own = (folder / (std::string(kOwnFolder) + "XXXXXX")).string();
    if (!::mkdtemp(own.data())) throw refusal(folder, last_error());
    auto lock = lock_on(own);
    // Another worker that starts may have taken it, in between, for one that was left.
    if (!lock || !fs::exists(own)) continue;
    auto error = write_kernel_file(fs::path(own) / "cgroup.subtree_control", "+memory");
    // As a child will: there may be a limit to how many, and how deep.
    if (!error && ::mkdir((own + "/0").c_str(), 0755) != 0) error = last_error();
    ::rmdir((own + "/0").c_str());
    if (error) {
      ::rmdir(own.c_str());
      throw refusal(own, error);
    }
    return std::shared_ptr<DelegatedCgroup>(
        new DelegatedCgroup(std::move(aside), own, std::move(lock), ended));
  }
  throw refusal(folder, "what this worker makes there cannot be locked, or is removed at once");
}

DelegatedCgroup::DelegatedCgroup(std::unique_ptr<Aside> aside, fs::path folder, ipc::UniqueFd lock,
                                 int ended_at_start)
    : aside_(std::move(aside)),
      folder_(std::move(folder)),
      lock_(std::move(lock)),
      ended_at_start_(ended_at_start) {}

DelegatedCgroup::~DelegatedCgroup() { end_folder(folder_); }

}  // namespace temporal::supervisor::children
