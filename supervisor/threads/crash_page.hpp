// SPDX-License-Identifier: MIT
// What ended a process, kept in a file for the one that is started after it: which task, which
// signal, where. Each crash is a file of its own, so that nobody has to read, count and write again
// what another process may be writing.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/threads/current_task.hpp"

namespace temporal::supervisor {

/// Text in memory that was there before; what is too long is cut.
template <std::size_t N>
class KeptText {
 public:
  void add(std::string_view text) noexcept {
    text = text.substr(0, N - size_);
    for (char c : text) text_[size_++] = c;
  }
  void clear() noexcept { size_ = 0; }
  /// Also of bytes that came from a file.
  [[nodiscard]] std::string_view view() const noexcept {
    return {text_.data(), size_ < N ? size_ : N};
  }

 private:
  std::uint32_t size_ = 0;
  std::array<char, N> text_{};
};

/// One crash as plain bytes, which a signal handler can write.
struct CrashPage {
  static constexpr std::array<char, 8> kMagic{'t', 'c', 'r', 'a', 's', 'h', '0', '1'};

  std::array<char, 8> magic = kMagic;
  std::int64_t at_ms = 0;  ///< since 1970
  std::int32_t signal = 0;
  bool stack_overflow = false;
  TaskRecord task;
  KeptText<512> exception{};
  KeptText<TaskIdentity::kLongestNote> note{};
  KeptText<8192> stack{};  ///< lines, innermost first
};

/// Where this process would leave its page; async-signal-safe once it is there.
class CrashFile {
 public:
  CrashFile() noexcept = default;
  /// An empty folder: nothing is kept. Nothing is made before there is a crash.
  explicit CrashFile(const std::filesystem::path& folder);

  /// Makes the folder if there is none. The file is there whole or not at all; a second page takes
  /// the place of the first. False: it could not be written.
  bool write(const CrashPage& page) const noexcept;

 private:
  std::array<char, 1024> path_{};  // empty: none
};

/// A page as it was read.
struct KeptCrash {
  std::filesystem::path file;
  std::chrono::system_clock::time_point at;
  std::string signal;     ///< SIGABRT, say
  std::string exception;  ///< its type and what it said; empty when it was none
  bool stack_overflow = false;
  std::string workflow_type, workflow_id, run_id;
  std::string note;                ///< of the task's identity
  std::vector<std::string> stack;  ///< innermost first
};

/// All pages of this user in the folder, the oldest first. What is no page is left alone. Reads
/// files: not on a loop that serves.
[[nodiscard]] std::vector<KeptCrash> read_crash_pages(const std::filesystem::path& folder);

}  // namespace temporal::supervisor
