// SPDX-License-Identifier: MIT
#include "shared/module_loader.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace temporal {

namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw ModuleError("cannot load module " + path.string() + ": " + why);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// Returns the handle; the memfd may be closed once it is mapped.
void* open_private_copy(const std::filesystem::path& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0)
    refuse(path, std::string(std::strerror(errno)) + "; check the path given to --module");
  if (!S_ISREG(status.st_mode))
    refuse(path, "it is not a file; --module takes a shared object (.so)");

  Descriptor copy(::memfd_create(path.filename().c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (copy.get() < 0) refuse(path, std::string("memfd_create: ") + std::strerror(errno));
  for (off_t done = 0; done < status.st_size;) {
    auto sent = ::sendfile(copy.get(), file.get(), nullptr, status.st_size - done);
    if (sent < 0) refuse(path, std::string("cannot copy it into memory: ") + std::strerror(errno));
    if (sent == 0) refuse(path, "it became shorter while it was read; is it being rebuilt?");
    done += sent;
  }
  ::fcntl(copy.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);

  const auto name = "/proc/self/fd/" + std::to_string(copy.get());
  void* handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    // The loader names the descriptor; the user knows the path.
    std::string why = ::dlerror();
    for (auto at = why.find(name); at != std::string::npos; at = why.find(name))
      why.replace(at, name.size(), path.filename().string());
    refuse(path, why + "; is it a shared object built with the temporal_module dependency?");
  }
  return handle;
}

}  // namespace

void load_module(const std::filesystem::path& path, Module& into) {
  void* handle = open_private_copy(path);
  auto abi = reinterpret_cast<const char* (*)()>(::dlsym(handle, "temporal_module_abi"));
  auto fill = reinterpret_cast<ModuleFunction>(::dlsym(handle, "temporal_module_register"));
  if (!abi || !fill)
    refuse(path,
           "it exports no module; add TEMPORAL_EXPORT_MODULE(function) to one of its sources");
  if (std::string_view(abi()) != TEMPORAL_MODULE_ABI)
    refuse(path, "it was built against " + std::string(abi()) +
                     ", this is " TEMPORAL_MODULE_ABI "; build it again");
  try {
    fill(into);
  } catch (const std::exception& error) {
    refuse(path, std::string("its module function threw: ") + error.what());
  }
}

std::string fingerprint(const Module& module) {
  // FNV-1a: a fingerprint, not a secret.
  std::uint64_t hash = 0xcbf29ce484222325;
  auto mix = [&](std::string_view text) {
    for (unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
    hash = (hash ^ 0xff) * 0x100000001b3;
  };
  for (const auto& [name, activity] : module.activities()) {
    mix(name);
    mix(activity.executor == Executor::loop ? "loop" : "child");
  }
  mix("workflows");
  for (const auto& [name, workflow] : module.workflows()) mix(name);
  return std::to_string(module.activities().size()) + "a" +
         std::to_string(module.workflows().size()) + "w-" + std::to_string(hash);
}

}  // namespace temporal
