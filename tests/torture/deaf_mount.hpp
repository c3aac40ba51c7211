// SPDX-License-Identifier: MIT
// A file system (FUSE) that takes requests and never answers: who asks for one of its files is in the kernel, where no signal reaches
// it, until this is over.
#pragma once

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "shared/ipc/doorbell.hpp"
#include "shared/ipc/fd.hpp"
#include "tests/support/folder.hpp"

namespace temporal::supervisor::children::torture {

class DeafMount {
 public:
  /// Null where nothing may be mounted.
  static std::unique_ptr<DeafMount> make() {
    ipc::UniqueFd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
    if (!device) return nullptr;
    std::unique_ptr<DeafMount> mount(new DeafMount);
    const auto options = "fd=" + std::to_string(device.get()) +
                         ",rootmode=40000,user_id=" + std::to_string(::getuid()) +
                         ",group_id=" + std::to_string(::getgid());
    if (::mount("deaf", mount->path().c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
      return nullptr;
    mount->mounted_ = true;
    mount->reader_ = std::thread([fd = std::move(device), mount = mount.get()] {
      take_requests(fd.get(), mount->stop_.get(), mount->asked_);
    });
    return mount;
  }
  DeafMount(const DeafMount&) = delete;
  DeafMount& operator=(const DeafMount&) = delete;
  ~DeafMount() {
    if (reader_.joinable()) {
      (void)ipc::ring(stop_.get());
      reader_.join();
    }
    if (mounted_) ::umount2(path().c_str(), MNT_DETACH);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }
  /// Somebody waits for an answer, and no signal changes that: until a request is taken, one could.
  [[nodiscard]] bool asked() const { return asked_; }
  /// Whoever waits gets an error.
  void end() { ::umount2(path().c_str(), MNT_FORCE); }

 private:
  DeafMount() = default;

  // What is said at the beginning has to be answered, or nobody would ask for a file at all.
  static void take_requests(int fd, int stop, std::atomic<bool>& asked) {
    alignas(fuse_in_header) std::array<char, 64 * 1024> buffer;
    for (;;) {
      std::array<pollfd, 2> ready{pollfd{fd, POLLIN, 0}, pollfd{stop, POLLIN, 0}};
      if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) return;
      if (ready[1].revents != 0) return;
      if (::read(fd, buffer.data(), buffer.size()) < static_cast<ssize_t>(sizeof(fuse_in_header)))
        continue;
      fuse_in_header request;
      std::memcpy(&request, buffer.data(), sizeof request);
      if (request.opcode != FUSE_INIT) {
        asked = true;
        continue;
      }
      struct {
        fuse_out_header header;
        fuse_init_out init;
      } answer{};
      answer.header = {sizeof answer, 0, request.unique};
      answer.init.major = FUSE_KERNEL_VERSION;
      answer.init.minor = FUSE_KERNEL_MINOR_VERSION;
      answer.init.max_write = 4096;
      if (::write(fd, &answer, sizeof answer) < 0) return;
    }
  }

  test::Folder folder_;
  ipc::UniqueFd stop_ = ipc::create_bell();
  std::atomic<bool> asked_ = false;
  bool mounted_ = false;
  std::thread reader_;
};

}  // namespace temporal::supervisor::children::torture
