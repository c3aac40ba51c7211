// SPDX-License-Identifier: MIT
#include "shared/module_loader.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <tuple>
#include <utility>

#include "shared/ipc/crc32c.hpp"
#include "shared/ipc/memory.hpp"
#include "shared/offloaded.hpp"

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
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  void keep() { fd_ = -1; }

 private:
  int fd_;
};

constexpr unsigned char kOwnElfClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;

// The loader maps what the program headers promise and dies of SIGBUS where the file ends before.
// The section headers, which nobody needs here, are what a linker writes last.
bool is_cut_off(int fd, off_t size) {
  ElfW(Ehdr) header{};
  // What is no ELF file, or one for another machine, the loader names itself.
  if (::pread(fd, &header, sizeof header, 0) != ssize_t{sizeof header} ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != kOwnElfClass)
    return false;
  if (header.e_shoff + header.e_shnum * header.e_shentsize > static_cast<std::size_t>(size))
    return true;
  for (int i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) part{};
    const auto at = static_cast<off_t>(header.e_phoff + i * sizeof part);
    if (::pread(fd, &part, sizeof part, at) != ssize_t{sizeof part}) return true;
    if (part.p_type == PT_LOAD && part.p_offset + part.p_filesz > static_cast<std::size_t>(size))
      return true;
  }
  return false;
}

struct File {
  Descriptor descriptor;
  struct stat status {};
};

File open_file(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a pipe would wait for somebody to write into it.
  File file{Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK))};
  if (file.descriptor.get() < 0 || ::fstat(file.descriptor.get(), &file.status) != 0)
    refuse(path, std::string(std::strerror(errno)) + "; check the path given to --module");
  if (!S_ISREG(file.status.st_mode))
    refuse(path, "it is not a file; --module takes a shared object (.so)");
  return file;
}

Descriptor private_copy(const std::filesystem::path& path, const File& file) {
  constexpr std::size_t kLongestName = 200;
  const auto name = path.filename().string().substr(0, kLongestName);
  Descriptor copy(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  // Where memfds are denied it is loaded as it lies there, /dev/shm being closed to code in most containers.
  if (copy.get() < 0 && !ipc::memory_can_be_sealed()) {
    if (is_cut_off(file.descriptor.get(), file.status.st_size))
      refuse(path, "its end is missing; is it being rebuilt?");
    return Descriptor(::fcntl(file.descriptor.get(), F_DUPFD_CLOEXEC, 0));
  }
  if (copy.get() < 0) refuse(path, std::string("memfd_create: ") + std::strerror(errno));
  for (off_t done = 0; done < file.status.st_size;) {
    auto sent = ::sendfile(copy.get(), file.descriptor.get(), nullptr, file.status.st_size - done);
    if (sent < 0) refuse(path, std::string("cannot copy it into memory: ") + std::strerror(errno));
    if (sent == 0) refuse(path, "it became shorter while it was read; is it being rebuilt?");
    done += sent;
  }
  ::fcntl(copy.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  if (is_cut_off(copy.get(), file.status.st_size))
    refuse(path, "its end is missing; is it being rebuilt?");
  return copy;
}

struct Loaded {
  void* handle;
  std::vector<detail::OffloadedFunction> offloaded;
  std::string content;
};

// A checksum of the bytes.
std::string content_of(int fd, std::size_t size) {
  void* memory = size == 0 ? MAP_FAILED : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (memory == MAP_FAILED) return "unknown";
  const auto checksum = ipc::crc32c(0, {static_cast<const std::byte*>(memory), size});
  ::munmap(memory, size);
  return std::to_string(checksum) + "." + std::to_string(size);
}

Loaded open_private_copy(const std::filesystem::path& path, const File& file) {
  auto copy = private_copy(path, file);
  auto content = content_of(copy.get(), static_cast<std::size_t>(file.status.st_size));
  const auto name = "/proc/self/fd/" + std::to_string(copy.get());
  void* handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    // The loader names the descriptor; the user knows the path.
    std::string why = ::dlerror();
    for (auto at = why.find(name); at != std::string::npos; at = why.find(name))
      why.replace(at, name.size(), path.filename().string());
    refuse(path, why + "; is it a shared object built with the temporal_module dependency?");
  }
  // The loader knows objects by name, and would take the next module at this number for this one.
  copy.keep();
  return {handle, take_offloaded(), std::move(content)};
}

// What is announced while a file is loaded is that file's.
std::mutex loading;

// What a file announces while it is loaded it announces once: its second copy shares the first one's templates.
Loaded& loaded(const std::filesystem::path& path) {
  using Identity = std::tuple<dev_t, ino_t, time_t, long, off_t>;
  static std::map<Identity, Loaded> files;
  const std::lock_guard lock(loading);
  const auto file = open_file(path);
  const auto& is = file.status;
  const Identity identity{is.st_dev, is.st_ino, is.st_mtim.tv_sec, is.st_mtim.tv_nsec, is.st_size};
  if (const auto found = files.find(identity); found != files.end()) return found->second;
  return files.emplace(identity, open_private_copy(path, file)).first->second;
}

}  // namespace

void load_module(const std::filesystem::path& path, Module& into) {
  auto& [handle, offloaded, content] = loaded(path);
  auto abi = reinterpret_cast<const char* (*)()>(::dlsym(handle, "temporal_module_abi"));
  auto fill = reinterpret_cast<ModuleFunction>(::dlsym(handle, "temporal_module_register"));
  if (!abi || !fill)
    refuse(path,
           "it exports no module; add TEMPORAL_EXPORT_MODULE(function) to one of its sources");
  if (std::string_view(abi()) != TEMPORAL_MODULE_ABI)
    refuse(path, "it was built against " + std::string(abi()) +
                     ", this is " TEMPORAL_MODULE_ABI "; build it again");
  into.set_origin(path.filename().string());
  for (const auto& function : offloaded) into.add(function);
  try {
    fill(into);
  } catch (const std::exception& error) {
    refuse(path, std::string("its module function threw: ") + error.what());
  } catch (...) {
    refuse(path, "its module function threw something that is not a std::exception");
  }
}

void register_own(std::span<const ModuleFunction> functions, Module& into) {
  static const auto offloaded = [] {
    const std::lock_guard lock(loading);
    return take_offloaded();
  }();
  for (const auto& function : offloaded) into.add(function);
  for (auto function : functions) function(into);
}

std::string build_of(std::span<const std::filesystem::path> modules, bool own) {
  std::string build;
  for (const auto& module : modules) build += loaded(module).content + ' ';
  if (own) {
    const std::filesystem::path program = "/proc/self/exe";
    const auto file = open_file(program);
    build += content_of(file.descriptor.get(), static_cast<std::size_t>(file.status.st_size));
  }
  return build;
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
    mix(std::to_string(activity.executor ? static_cast<int>(*activity.executor) : -1));
  }
  if (module.catch_all()) mix("catch-all");
  mix("offloaded");
  for (const auto& [name, call] : module.offloaded()) mix(name);
  mix("workflows");
  for (const auto& [name, workflow] : module.workflows()) mix(name);
  return std::to_string(module.activities().size()) + "a" +
         std::to_string(module.workflows().size()) + "w-" + std::to_string(hash);
}

}  // namespace temporal
