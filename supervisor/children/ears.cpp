// SPDX-License-Identifier: MIT
#include "supervisor/children/ears.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace temporal::supervisor::children {

namespace asio = boost::asio;

std::shared_ptr<Ears> Ears::open(asio::any_io_executor core) {
  auto board = ipc::BellBoard::create();
  if (!board) return nullptr;
  auto ears = std::make_shared<Ears>(std::move(core), std::move(*board));
  boost::system::error_code error;
  ears->waiter_.assign(ears->board_.fd(), error);
  return error ? nullptr : ears;
}

Ears::Ears(asio::any_io_executor core, ipc::BellBoard board)
    : board_(std::move(board)), waiter_(std::move(core)) {}

Ears::~Ears() { close(); }

void Ears::close() {
  listeners_.clear();
  if (waiter_.is_open()) waiter_.release();
}

bool Ears::listen(int bell, std::uint32_t id, std::shared_ptr<BellListener> listener) {
  if (!board_.add(bell, id)) return false;
  listeners_[id] = std::move(listener);
  if (!waiting_) wait();
  return true;
}

void Ears::leave(int bell, std::uint32_t id) {
  board_.remove(bell);
  listeners_.erase(id);
  // A loop that has nothing else to do may end.
  if (listeners_.empty() && waiter_.is_open()) waiter_.cancel();
}

// It counts as waiting until all were called: who listens from within such a call must not wait beside it.
void Ears::wait() {
  waiting_ = true;
  waiter_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](boost::system::error_code error) {
                       if (!error) self->hear();
                       self->waiting_ = false;
                       if (!self->listeners_.empty()) self->wait();
                     });
}

void Ears::hear() {
  ipc::BellBoard::Heard room;
  for (const auto id : who_rang(room))
    if (const auto listener = find(id)) listener->on_ring();
}

void Ears::ask() {
  ipc::BellBoard::Heard room;
  std::size_t heard = 0;
  do {
    const auto rang = who_rang(room);
    heard = rang.size();
    for (const auto id : rang)
      asio::post(waiter_.get_executor(), [self = shared_from_this(), id] {
        if (const auto listener = self->find(id)) listener->on_ring();
      });
  } while (heard == room.size());
}

std::shared_ptr<BellListener> Ears::find(std::uint32_t id) const {
  const auto found = listeners_.find(id);
  return found == listeners_.end() ? nullptr : found->second;
}

std::span<const std::uint32_t> Ears::who_rang(ipc::BellBoard::Heard& room) {
  const auto rang = board_.heard(room);
  for (const auto id : rang)
    if (const auto listener = find(id)) listener->count_ring();
  return rang;
}

}  // namespace temporal::supervisor::children
