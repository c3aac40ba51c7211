// SPDX-License-Identifier: MIT
#include "supervisor/children/output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace temporal::supervisor::children {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kChunk = 16 * 1024;
constexpr int kChunksPerDrain = 16;  // a grandchild may write for ever

}  // namespace

Output::Pipe Output::open(asio::any_io_executor core) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  ipc::UniqueFd reader(ends[0]), writer(ends[1]);
  // Only this end: the child's printing has to wait, not to fail, while the pipe is full.
  ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  return {std::make_shared<Output>(std::move(core), std::move(reader)), std::move(writer)};
}

Output::Output(asio::any_io_executor core, ipc::UniqueFd reader)
    : pipe_(std::move(core), reader.release()) {}

void Output::start(OnLine on_line) {
  on_line_ = std::move(on_line);
  wait();
}

void Output::wait() {
  pipe_.async_wait(asio::posix::stream_descriptor::wait_read,
                   [self = shared_from_this()](boost::system::error_code error) {
                     if (error || !self->pipe_.is_open()) return;
                     if (self->read_some() || errno == EAGAIN) self->wait();
                   });
}

void Output::drain() {
  if (!pipe_.is_open()) return;
  for (int i = 0; i < kChunksPerDrain && read_some(); ++i) {
  }
  if (!line_.empty()) emit(line_);
  line_.clear();
}

void Output::close() {
  boost::system::error_code ignored;
  pipe_.close(ignored);
  on_line_ = nullptr;
}

bool Output::read_some() {
  std::array<char, kChunk> buffer;
  ssize_t count;
  do {
    count = ::read(pipe_.native_handle(), buffer.data(), buffer.size());
  } while (count < 0 && errno == EINTR);
  if (count == 0) errno = 0;
  if (count <= 0) return false;
  take({buffer.data(), static_cast<std::size_t>(count)});
  return true;
}

void Output::take(std::string_view bytes) {
  tail_.append(bytes);
  if (tail_.size() > kTail) tail_.erase(0, tail_.size() - kTail);

  auto now = std::chrono::steady_clock::now();
  auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now - refilled_).count();
  refilled_ = now;
  allowance_ = std::min(kBytesPerSecond, allowance_ + static_cast<std::uint64_t>(elapsed) *
                                                          kBytesPerSecond / 1'000'000);
  while (!bytes.empty()) {
    auto count = std::min(bytes.find('\n'), std::min(bytes.size(), kLongestLine - line_.size()));
    line_.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    const bool ended = bytes.starts_with('\n');
    if (ended) bytes.remove_prefix(1);
    if (ended || line_.size() == kLongestLine) {
      emit(line_);
      line_.clear();
    }
  }
}

void Output::emit(std::string_view line) {
  if (line.size() + 1 > allowance_) {
    dropped_ += line.size() + 1;
    return;
  }
  allowance_ -= line.size() + 1;
  if (on_line_) on_line_(line);
}

}  // namespace temporal::supervisor::children
