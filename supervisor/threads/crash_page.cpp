// SPDX-License-Identifier: MIT
#include "supervisor/threads/crash_page.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>

#include "shared/ipc/fd.hpp"

namespace temporal::supervisor {

namespace {

namespace fs = std::filesystem;

constexpr const char* kEnding = ".crash";

// Async-signal-safe.
void make_folders_of(std::array<char, 1024> path) noexcept {
  for (std::size_t at = 1; at < path.size() && path[at] != '\0'; ++at) {
    if (path[at] != '/') continue;
    path[at] = '\0';
    ::mkdir(path.data(), 0700);
    path[at] = '/';
  }
}

bool write_all(int fd, const char* bytes, std::size_t left) noexcept {
  while (left > 0) {
    const auto written = ::write(fd, bytes, left);
    if (written <= 0) return false;
    bytes += written;
    left -= static_cast<std::size_t>(written);
  }
  return true;
}

// Whoever may write into the folder could otherwise say what this worker refuses to run.
std::unique_ptr<CrashPage> read_page(const fs::path& file) {
  const ipc::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  auto page = std::make_unique<CrashPage>();
  if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_uid != ::geteuid() || status.st_size != off_t{sizeof *page} ||
      ::read(fd.get(), page.get(), sizeof *page) != ssize_t{sizeof *page} ||
      page->magic != CrashPage::kMagic)
    return nullptr;
  return page;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

}  // namespace

static_assert(std::is_trivially_copyable_v<CrashPage>);

CrashFile::CrashFile(const fs::path& folder) {
  if (folder.empty()) return;
  const auto started = std::chrono::system_clock::now().time_since_epoch().count();
  // No two processes have a name in common, not those of two containers with one folder either.
  const auto path =
      fs::absolute(folder) / (std::to_string(started) + "-" + std::to_string(::getpid()) + kEnding);
  if (path.native().size() < path_.size()) std::ranges::copy(path.native(), path_.begin());
}

bool CrashFile::write(const CrashPage& page) const noexcept {
  if (path_[0] == '\0') return false;
  make_folders_of(path_);
  // Another name in the meantime: what is half written is no page.
  auto draft = path_;
  const auto ending = std::strlen(draft.data()) - 1;
  draft[ending] = '~';
  const int fd = ::open(draft.data(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return false;
  const bool whole = write_all(fd, reinterpret_cast<const char*>(&page), sizeof page);
  ::close(fd);
  if (whole && ::rename(draft.data(), path_.data()) == 0) return true;
  ::unlink(draft.data());
  return false;
}

std::vector<KeptCrash> read_crash_pages(const fs::path& folder) {
  std::vector<KeptCrash> crashes;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (entry.path().extension() != kEnding) continue;
    const auto page = read_page(entry.path());
    if (!page) continue;
    const auto task = page->task.fields();
    crashes.push_back(
        {.file = entry.path(),
         .at = std::chrono::system_clock::time_point(std::chrono::milliseconds(page->at_ms)),
         .signal = signal_name(page->signal),
         .exception = std::string(page->exception.view()),
         .stack_overflow = page->stack_overflow,
         .workflow_type = std::string(task.workflow_type),
         .workflow_id = std::string(task.workflow_id),
         .run_id = std::string(task.run_id),
         .note = std::string(page->note.view()),
         .stack = lines_of(page->stack.view())});
  }
  std::ranges::sort(crashes, {}, &KeptCrash::at);
  return crashes;
}

}  // namespace temporal::supervisor
