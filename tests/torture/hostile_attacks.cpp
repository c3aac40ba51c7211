// SPDX-License-Identifier: MIT
// Attempts on what belongs to others. Each returns what the system said: "name ERRNO" for each attempt, "name done" for one that
// succeeded, "name -" for one that this system does not offer.
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include <cerrno>
#include <string>
#include <thread>

#include "shared/ipc/crc32c.hpp"
#include "tests/torture/forger.hpp"
#include "tests/torture/hostile.hpp"

namespace hostile {
namespace {

class Report {
 public:
  void add(const std::string& name, bool done) {
    text_ += name + " " + (done ? "done" : ::strerrorname_np(errno)) + "\n";
  }
  void skip(const std::string& name) { text_ += name + " -\n"; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// The descriptors were closed before this code ran; where the system lets it, a mapping leads to another one.
int reopened(const Half& half) {
  return ::open(("/proc/self/map_files/" + half.range).c_str(), O_RDWR | O_CLOEXEC);
}

}  // namespace

std::string attack_down_half() {
  const auto down = find_half("down");
  // The header and ring A, which nobody writes while this task is in hand.
  const auto still = [&] {
    const std::span<const std::byte> all(down.data, down.size);
    return ipc::crc32c(ipc::crc32c(0, all.first(ipc::kPage)), all.subspan(3 * ipc::kPage));
  };
  const auto before = still();
  Report report;
  report.add("mprotect", ::mprotect(down.data, down.size, PROT_READ | PROT_WRITE) == 0);
  report.add("MADV_REMOVE", ::madvise(down.data, down.size, MADV_REMOVE) == 0);
  const int fd = reopened(down);
  if (fd < 0) {
    report.skip("reopening");
  } else {
    report.add("mmap",
               ::mmap(nullptr, down.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
    report.add("pwrite", ::pwrite(fd, "x", 1, 0) == 1);
    report.add("ftruncate", ::ftruncate(fd, 0) == 0);
    report.add("punch", ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0);
    report.add("unseal", ::fcntl(fd, F_ADD_SEALS, 0) == 0);
    ::close(fd);
  }
  return report.text() + (still() == before ? "the same" : "changed");
}

void write_down_half(int offset) {
  const auto down = find_half("down");
  down.data[static_cast<std::size_t>(offset) % down.size] = std::byte{1};
  hang();
}

std::string truncate_up_half() {
  const auto up = find_half("up");
  Report report;
  const int fd = reopened(up);
  if (fd < 0) {
    report.skip("reopening");
    return report.text();
  }
  report.add("shrink", ::ftruncate(fd, 0) == 0);
  report.add("grow", ::ftruncate(fd, static_cast<off_t>(up.size) * 2) == 0);
  ::close(fd);
  return report.text();
}

int lose_doorbell() {
  const int bell = supervisor_bell();
  const int other = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(other, bell);
  ::close(other);
  return ::getpid();
}

// Stops itself when its answer is in the ring; whether its doorbell was rung by then is chance.
int stop_after_commit() {
  const auto up = find_half("up");
  auto& ends = *reinterpret_cast<ipc::EndsPage*>(up.data + ipc::kPage);
  const auto before = ends.tail.load();
  std::thread([&ends, before] {
    while (ends.tail.load() == before) {
    }
    ::kill(::getpid(), SIGSTOP);
  }).detach();
  return ::getpid();
}

void register_attacks(temporal::Module& m) {
  m.activity<attack_down_half>();
  m.activity<write_down_half>();
  m.activity<truncate_up_half>();
  m.activity<lose_doorbell>();
  m.activity<stop_after_commit>();
}

}  // namespace hostile
