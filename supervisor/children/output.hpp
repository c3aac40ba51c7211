// SPDX-License-Identifier: MIT
// What a child prints on stdout and stderr: read as it comes, so that printing never blocks an activity, handed on line by
// line up to a rate, the rest counted. The last bytes are kept: they explain a crash.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "shared/ipc/fd.hpp"

namespace temporal::supervisor::children {

/// Thread rule: core loop only.
class Output : public std::enable_shared_from_this<Output> {
 public:
  static constexpr std::size_t kTail = 4 * 1024;
  static constexpr std::size_t kLongestLine = 8 * 1024;
  static constexpr std::uint64_t kBytesPerSecond = 1024 * 1024;

  using OnLine = std::function<void(std::string_view)>;

  /// A pipe: what reads here, and the end for the process that writes. Nothing when descriptors are short.
  struct Pipe {
    std::shared_ptr<Output> output;
    ipc::UniqueFd writer;
  };
  [[nodiscard]] static Pipe open(boost::asio::any_io_executor core);

  Output(boost::asio::any_io_executor core, ipc::UniqueFd reader);

  /// `on_line` is called until close().
  void start(OnLine on_line);
  /// Takes what is in the pipe now, and the unfinished line.
  void drain();
  void close();

  /// At most kTail bytes since the last forget_tail().
  [[nodiscard]] const std::string& tail() const { return tail_; }
  void forget_tail() { tail_.clear(); }
  [[nodiscard]] std::uint64_t dropped_bytes() const { return dropped_; }

 private:
  void wait();
  /// False at the end of the pipe, or when it is empty.
  bool read_some();
  void take(std::string_view bytes);
  void emit(std::string_view line);

  boost::asio::posix::stream_descriptor pipe_;
  OnLine on_line_;
  std::string tail_;
  std::string line_;
  std::uint64_t dropped_ = 0;
  std::uint64_t allowance_ = kBytesPerSecond;
  std::chrono::steady_clock::time_point refilled_ = std::chrono::steady_clock::now();
};

}  // namespace temporal::supervisor::children
