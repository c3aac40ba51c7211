// SPDX-License-Identifier: MIT
// The bells of all children of a pool behind one descriptor of the core loop: however many rang, it wakes once, and no bell costs a
// system call of its own.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>

#include "shared/ipc/doorbell.hpp"

namespace temporal::supervisor::children {

/// Who is told of a bell. It is counted before it is called, because somebody may judge a child between the two.
class BellListener {
 public:
  /// Its bell was heard. on_ring() follows, at once or soon.
  virtual void count_ring() = 0;
  virtual void on_ring() = 0;

 protected:
  ~BellListener() = default;
};

/// Thread rule: core loop only.
class Ears : public std::enable_shared_from_this<Ears> {
 public:
  /// Null when descriptors are short.
  [[nodiscard]] static std::shared_ptr<Ears> open(boost::asio::any_io_executor core);
  Ears(boost::asio::any_io_executor core, ipc::BellBoard board);
  ~Ears();

  /// From now on the listener hears of what this bell rings, what it has rung already included. `id` is this listener's alone. False:
  /// the kernel has no room for it.
  [[nodiscard]] bool listen(int bell, std::uint32_t id, std::shared_ptr<BellListener> listener);
  /// Before the bell is closed.
  void leave(int bell, std::uint32_t id);
  /// In between, nothing is heard of it.
  void mute(int bell, std::uint32_t id) { board_.mute(bell, id); }
  void unmute(int bell, std::uint32_t id) { board_.unmute(bell, id); }
  /// Who rang and was not told of yet has its ring counted now.
  void ask();
  /// Nobody is called any more.
  void close();

 private:
  void wait();
  void hear();
  /// Their rings are counted.
  [[nodiscard]] std::span<const std::uint32_t> who_rang(ipc::BellBoard::Heard& room);
  [[nodiscard]] std::shared_ptr<BellListener> find(std::uint32_t id) const;

  ipc::BellBoard board_;
  boost::asio::posix::stream_descriptor waiter_;  // borrows the board's descriptor
  std::unordered_map<std::uint32_t, std::shared_ptr<BellListener>> listeners_;
  bool waiting_ = false;
};

}  // namespace temporal::supervisor::children
