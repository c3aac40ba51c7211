// SPDX-License-Identifier: MIT
#include "supervisor/threads/symbols.hpp"

#include <backtrace.h>
#include <cxxabi.h>
#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <mutex>
#include <string_view>
#include <system_error>
#include <utility>

#include "shared/function_name.hpp"

namespace temporal::supervisor {

namespace {

constexpr std::size_t kLongestName = 300;  // templates have names of kilobytes

void no_symbols(void*, const char*, int) {}

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  std::string result = status == 0 ? text.get() : name;
  // A coroutine's body, as GCC and Clang call it: `f(f(int)::_Z1fi.Frame*) [clone .actor]`.
  for (std::string_view body : {" [clone .actor]", " [clone .resume]"})
    if (result.ends_with(body)) {
      result.erase(result.size() - body.size());
      if (result.find(".Frame*)") != std::string::npos) result = qualified_name(result);
    }
  // A part of a function that the compiler put elsewhere is that function to its reader.
  for (std::string_view part :
       {" [clone .cold]", " [clone .part.0]", " [clone .constprop.0]", " [clone .isra.0]"})
    if (result.ends_with(part)) result.erase(result.size() - part.size());
  constexpr std::string_view kString =
      "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
  for (auto at = result.find(kString); at != std::string::npos; at = result.find(kString, at))
    result.replace(at, kString.size(), "std::string");
  if (result.size() > kLongestName) result = result.substr(0, kLongestName) + "…";
  return result;
}

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

// Modules are loaded from memory: the loader knows them as /proc/self/fd/7.
std::string object_name(std::string path) {
  if (path.starts_with("/proc/self/fd/")) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(path, error).string();
    constexpr std::string_view kMemory = "/memfd:", kDeleted = " (deleted)";
    if (target.starts_with(kMemory) && target.ends_with(kDeleted))
      return target.substr(kMemory.size(), target.size() - kMemory.size() - kDeleted.size());
  }
  return base_name(path);
}

int count_objects(dl_phdr_info* info, std::size_t, void* loads) {
  *static_cast<unsigned long long*>(loads) = info->dlpi_adds;
  return 1;  // the first knows it
}

unsigned long long objects_loaded() {
  unsigned long long loads = 0;
  ::dl_iterate_phdr(count_objects, &loads);
  return loads;
}

// libbacktrace reads the objects that are there at its first use, and never gives memory back.
class Reader {
 public:
  std::vector<Frame> frames_at(std::uintptr_t address) {
    auto frames = look_up(address);
    if (frames.back().function.empty() && !frames.back().object.empty() && reread())
      frames = look_up(address);
    return frames;
  }

 private:
  static constexpr int kReadings = 4;

  std::vector<Frame> look_up(std::uintptr_t address) {
    if (!state_) reread();
    std::vector<Frame> frames;
    ::backtrace_pcinfo(state_, address, add_frame, no_symbols, &frames);
    if (frames.empty()) frames.push_back({.address = address});
    // Debug information calls a static function by its bare name.
    ::backtrace_syminfo(state_, address, add_name, no_symbols, &frames.back());
    Dl_info object{};
    if (::dladdr(reinterpret_cast<void*>(address), &object) != 0)
      for (auto& frame : frames) {
        frame.object = object_name(object.dli_fname);
        frame.offset = address - reinterpret_cast<std::uintptr_t>(object.dli_fbase);
      }
    return frames;
  }

  // True when there may be more to find than before.
  bool reread() {
    const auto loads = objects_loaded();
    if (state_ && (loads == loads_ || readings_ == kReadings)) return false;
    ++readings_;
    loads_ = loads;
    state_ = ::backtrace_create_state(nullptr, 0, no_symbols, nullptr);
    return true;
  }

  static int add_frame(void* frames, std::uintptr_t address, const char* file, int line,
                       const char* function) {
    if (!file && !function) return 0;
    static_cast<std::vector<Frame>*>(frames)->push_back(
        {.address = address,
         .function = function ? demangled(function) : "",
         .file = file ? file : "",
         .line = line});
    return 0;
  }

  static void add_name(void* frame, std::uintptr_t, const char* name, std::uintptr_t,
                       std::uintptr_t) {
    if (name) static_cast<Frame*>(frame)->function = demangled(name);
  }

  backtrace_state* state_ = nullptr;
  unsigned long long loads_ = 0;
  int readings_ = 0;
};

template <std::size_t count>
bool begins_with_one(std::string_view text, const std::array<std::string_view, count>& prefixes) {
  return std::ranges::any_of(prefixes, [&](auto prefix) { return text.starts_with(prefix); });
}

// What a loop or a thread consists of below the function it was given to run.
bool is_machinery(const Frame& frame, bool ours_too) {
  constexpr std::array<std::string_view, 4> kLibraries{
      "boost::asio::", "std::", "__gnu_cxx::", "_start"};
  constexpr std::array<std::string_view, 4> kOurs{
      "temporal::supervisor::", "temporal::engine::", "temporal::detail::",
      "temporal::activity::detail::"};
  constexpr std::array<std::string_view, 5> kSystem{"libc.so", "libstdc++.so", "libgcc_s.so",
                                                    "libm.so", "ld-linux"};
  // An inlined function has only its bare name, and the header it stands in.
  constexpr std::array<std::string_view, 2> kHeaders{"/boost/asio/", "/include/c++/"};
  const auto name = qualified_name(frame.function);
  return begins_with_one(name, kLibraries) || begins_with_one(frame.object, kSystem) ||
         std::ranges::any_of(
             kHeaders, [&](auto header) { return frame.file.find(header) != std::string::npos; }) ||
         (ours_too && (begins_with_one(name, kOurs) ||
                       frame.file.ends_with("supervisor/threads/task_executor.hpp")));
}

// What lies below the user's function is left out; all is there, when nothing else is.
std::span<const Frame> without_callers(std::span<const Frame> frames, bool ours_too) {
  const auto end = std::ranges::find_if(frames.rbegin(), frames.rend(), [&](const Frame& frame) {
                     return !is_machinery(frame, ours_too);
                   }).base();
  const auto count = static_cast<std::size_t>(end - frames.begin());
  return count == 0 ? frames : frames.first(count);
}

void add_line(std::vector<std::string>& lines, const std::string& line, std::size_t times) {
  lines.push_back(times > 1 ? line + " (" + std::to_string(times) + " times)" : line);
}

std::vector<std::string> lines_of(std::span<const Frame> frames) {
  std::vector<std::string> lines;
  std::string line;
  std::size_t times = 0;
  for (const auto& frame : frames) {
    auto next = to_string(frame);
    if (next != line && times > 0) add_line(lines, line, std::exchange(times, 0));
    line = std::move(next);
    ++times;
  }
  if (times > 0) add_line(lines, line, times);
  return lines;
}

}  // namespace

std::string to_string(const Frame& frame) {
  std::array<char, 64> number{};
  if (frame.function.empty()) {
    std::snprintf(number.data(), number.size(), "0x%zx", frame.address);
    std::string text = number.data();
    if (frame.object.empty()) return text;
    std::snprintf(number.data(), number.size(), "+0x%zx", frame.offset);
    return text + " in " + frame.object + number.data();
  }
  if (!frame.file.empty())
    return frame.function + " at " + base_name(frame.file) + ":" + std::to_string(frame.line);
  return frame.object.empty() ? frame.function : frame.function + " in " + frame.object;
}

std::vector<Frame> resolve(std::span<const std::uintptr_t> addresses) {
  static std::mutex one_at_a_time;
  static Reader reader;
  const std::lock_guard lock(one_at_a_time);
  std::vector<Frame> frames;
  for (auto address : addresses) {
    auto here = reader.frames_at(address);
    std::ranges::move(here, std::back_inserter(frames));
  }
  return frames;
}

std::vector<std::string> printed(const ThreadSnapshot& snapshot) {
  const auto frames = resolve(snapshot.stack());
  auto lines = lines_of(without_callers(frames, snapshot.has_task));

  // The chain is the task's first coroutine's; when another one of its coroutines runs, it does not
  // belong to this stack.
  bool running = false;
  for (auto address : snapshot.coroutines()) {
    const auto frame = resolve({&address, 1}).back();
    if (!std::exchange(running, true)) {
      if (std::ranges::find(frames, frame.function, &Frame::function) == frames.end()) break;
    } else if (!is_machinery(frame, true)) {
      lines.push_back("awaited by " + to_string(frame));
    }
  }
  return lines;
}

PrintedStack printed_crash(std::span<const std::uintptr_t> addresses) {
  const auto all = resolve(addresses);
  const auto called = std::ranges::find_if(all, [](const Frame& frame) {
    return qualified_name(frame.function).starts_with("temporal::child::Executor::");
  });
  const auto frames = without_callers(std::span(all.begin(), called), true);
  PrintedStack stack{.lines = lines_of(frames), .where = {}};
  const auto where =
      std::ranges::find_if(frames, [](const Frame& frame) { return !is_machinery(frame, true); });
  if (where != frames.end()) stack.where = to_string(*where);
  return stack;
}

}  // namespace temporal::supervisor
