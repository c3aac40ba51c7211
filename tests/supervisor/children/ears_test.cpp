// SPDX-License-Identifier: MIT
#include "supervisor/children/ears.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

using namespace temporal;
using namespace temporal::supervisor::children;

namespace {

struct Listener final : BellListener {
  void count_ring() override { ++counted; }
  void on_ring() override {
    ++heard;
    if (then) then();
  }
  int counted = 0, heard = 0;
  std::function<void()> then;
};

struct Ringing {
  boost::asio::io_context io{1};
  std::shared_ptr<Ears> ears = Ears::open(io.get_executor());
  std::vector<ipc::UniqueFd> bells;
  std::vector<std::shared_ptr<Listener>> listeners;

  void listen(int more) {
    for (int i = 0; i < more; ++i) {
      bells.push_back(ipc::create_bell());
      listeners.push_back(std::make_shared<Listener>());
      REQUIRE(ears->listen(bells.back().get(), id(bells.size() - 1), listeners.back()));
    }
  }
  static std::uint32_t id(std::size_t index) { return static_cast<std::uint32_t>(index + 1); }
  void ring(std::size_t index) const { REQUIRE(ipc::ring(bells[index].get())); }
  void leave_all() const {
    for (std::size_t i = 0; i < bells.size(); ++i) ears->leave(bells[i].get(), id(i));
  }
  /// What the loop did, until it has nothing to do.
  std::size_t turn() {
    std::size_t handlers = 0;
    while (const auto more = io.poll()) handlers += more;
    return handlers;
  }
};

}  // namespace

TEST_CASE("each bell that rang is heard once, by its own listener") {
  Ringing all;
  all.listen(3);
  CHECK(all.turn() == 0);
  for (int round = 1; round <= 3; ++round) {
    all.ring(0);
    all.ring(2);
    all.ring(2);  // together with the one before
    CHECK(all.turn() == 1);
    CHECK(all.listeners[0]->heard == round);
    CHECK(all.listeners[0]->counted == round);
    CHECK(all.listeners[1]->heard == 0);
    CHECK(all.listeners[2]->heard == round);
  }
}

TEST_CASE("who is added while a ring is heard does not make the loop turn more often for each") {
  Ringing all;
  all.listen(1);
  for (int i = 0; i < 10; ++i) {
    all.listeners[0]->then = [&] { all.listen(1); };
    all.ring(0);
    CHECK(all.turn() == 1);
  }
  all.listeners[0]->then = nullptr;
  all.ring(0);
  CHECK(all.turn() == 1);
  CHECK(all.listeners[0]->heard == 11);
}

TEST_CASE("more bells than are told of at once are all heard, also when somebody asks in between") {
  constexpr int kMany = 2 * static_cast<int>(ipc::BellBoard::kAtOnce) + 5;
  Ringing all;
  all.listen(kMany);
  for (std::size_t i = 0; i < kMany; ++i) all.ring(i);
  all.turn();
  for (const auto& listener : all.listeners) CHECK(listener->heard == 1);
  for (std::size_t i = 0; i < kMany; ++i) all.ring(i);
  all.ears->ask();
  for (const auto& listener : all.listeners) CHECK(listener->counted == 2);
  for (const auto& listener : all.listeners) CHECK(listener->heard == 1);
  all.turn();
  for (const auto& listener : all.listeners) CHECK(listener->heard == 2);
}

TEST_CASE("who leaves in the same turn is not called any more") {
  Ringing all;
  all.listen(2);
  for (std::size_t i : {0, 1})
    all.listeners[i]->then = [&all, other = 1 - i] {
      all.ears->leave(all.bells[other].get(), Ringing::id(other));
    };
  all.ring(0);
  all.ring(1);
  all.turn();
  CHECK(all.listeners[0]->heard + all.listeners[1]->heard == 1);
}

TEST_CASE("a loop ends when nobody listens any more, and goes on when somebody does again") {
  Ringing all;
  all.listen(2);
  all.leave_all();
  all.io.run();  // hangs if something waits
  all.io.restart();
  all.listen(1);
  all.ring(2);
  CHECK(all.turn() > 0);
  CHECK(all.listeners[2]->heard == 1);
  all.ears->close();
  all.io.run();
}

TEST_CASE("ears that are closed call nobody, whatever rang before") {
  Ringing all;
  all.listen(1);
  all.ring(0);
  all.ears->ask();
  all.ears->close();
  all.turn();
  CHECK(all.listeners[0]->heard == 0);
}
