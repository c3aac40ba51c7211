// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "child/v1/child.pb.h"
#include "shared/ipc/records.hpp"
#include "shared/payload_proto.hpp"
#include "tests/bench/figures.hpp"
#include "tests/bench/pool_bars.hpp"

namespace temporal::bench {
namespace {

namespace v1 = temporal::child::v1;
using ipc::Receive;
using ipc::RecordType;
using ipc::Send;

constexpr int kDepth = 32;
constexpr int kBatches = 10, kRoundTrips = 2'000;

/// A process that does `work` until it is killed.
class Forked {
 public:
  Forked(int nice_by, const std::function<void()>& work) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)!::nice(nice_by);
    work();
    ::_exit(1);
  }
  Forked(const Forked&) = delete;
  Forked& operator=(const Forked&) = delete;
  ~Forked() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

/// The other end of a channel: answers each message, after one look at each page of it.
[[noreturn]] void echo(ipc::Channel& channel, int ear) {
  v1::Completed answer;
  for (;;) {
    switch (channel.receive()) {
      case Receive::none:
        channel.about_to_sleep();
        if (!channel.has_message() && !ipc::wait_for_ring(ear)) ::_exit(1);
        channel.awake();
        break;
      case Receive::message: {
        std::size_t seen = 0;
        for (std::size_t at = 0; at < channel.bytes().size(); at += ipc::kPage)
          seen += channel.bytes()[at] != std::byte{};
        answer.set_task(seen);
        while (channel.send(RecordType::completed, answer) == Send::full) {
        }
        break;
      }
      default:
        ::_exit(1);
    }
  }
}

template <class T>
T needed(std::optional<T> made) {
  if (!made) throw std::runtime_error("no memory or descriptors");
  return std::move(*made);
}

class Peer {
 public:
  explicit Peer(int nice_by) {
    ::fcntl(bulk_.first.get(), F_SETFL, O_NONBLOCK);
    process_.emplace(nice_by, [this] {
      auto arena = ipc::ChildArena::open(arena_.down_fd(), arena_.up_fd());
      if (!arena) ::_exit(1);
      ipc::Channel channel(ipc::child_ends(*arena, supervisor_bell_.get(), bulk_.second.get()));
      echo(channel, ear_.get());
    });
    if (!board_.add(supervisor_bell_.get(), 0)) throw std::runtime_error("no memory for a bell");
  }
  [[nodiscard]] ipc::Channel& channel() { return channel_; }
  [[nodiscard]] int bell() const { return supervisor_bell_.get(); }

  /// Both sides sleep in between.
  void round_trip(const v1::Start& start) {
    if (channel_.send(RecordType::start, start) != Send::done)
      throw std::runtime_error("a message could not be sent");
    while (channel_.receive() != Receive::message) {
      if (channel_.fault()) throw std::runtime_error(channel_.fault());
      channel_.about_to_sleep();
      if (!channel_.has_message()) (void)board_.heard(rang_, -1);
      channel_.awake();
    }
  }

 private:
  ipc::SupervisorArena arena_ = needed(ipc::SupervisorArena::create(1));
  ipc::UniqueFd child_bell_ = ipc::create_bell(), supervisor_bell_ = ipc::create_bell();
  ipc::UniqueFd ear_ = ipc::create_ear(child_bell_.get());
  std::pair<ipc::UniqueFd, ipc::UniqueFd> bulk_ = needed(ipc::socket_pair());
  ipc::BellBoard board_ = needed(ipc::BellBoard::create());
  ipc::BellBoard::Heard rang_;
  ipc::Channel channel_{ipc::supervisor_ends(arena_, child_bell_.get(), bulk_.first.get())};
  std::optional<Forked> process_;
};

v1::Start no_op() {
  v1::Start start;
  start.set_activity_type("no_op");
  return start;
}

double rate_at_depth(int peers, int nice_by, double seconds) {
  struct Lane {
    std::unique_ptr<Peer> peer;
    int outstanding = 0;
  };
  std::vector<Lane> lanes(static_cast<std::size_t>(peers));
  auto board = needed(ipc::BellBoard::create());
  ipc::BellBoard::Heard rang;
  for (auto& lane : lanes) {
    lane.peer = std::make_unique<Peer>(nice_by);
    if (!board.add(lane.peer->bell(), 0)) throw std::runtime_error("no memory for a bell");
  }
  const auto start = no_op();
  std::uint64_t count = 0;
  const auto turn = [&] {
    bool any = false;
    for (auto& [peer, outstanding] : lanes) {
      auto& channel = peer->channel();
      for (; outstanding > 0 && channel.receive() == Receive::message; --outstanding) {
        ++count;
        any = true;
      }
      while (outstanding < kDepth && channel.send(RecordType::start, start) == Send::done)
        ++outstanding;
    }
    return any;
  };
  const auto run_until = [&](Clock::time_point end) {
    while (Clock::now() < end) {
      if (turn()) continue;
      bool waits = false;
      for (auto& lane : lanes) {
        lane.peer->channel().about_to_sleep();
        waits |= lane.peer->channel().has_message();
      }
      if (!waits) (void)board.heard(rang, 100);
      for (auto& lane : lanes) lane.peer->channel().awake();
    }
  };
  run_until(Clock::now() + std::chrono::milliseconds(300));
  const auto before = count;
  const auto since = Clock::now();
  run_until(since +
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)));
  return double(count - before) / std::chrono::duration<double>(Clock::now() - since).count();
}

/// Two processes that ring each other, and nothing else.
class BarePair {
 public:
  explicit BarePair(int nice_by)
      : process_(nice_by, [this] {
          for (std::uint64_t value; ::read(down_.get(), &value, sizeof value) == sizeof value;)
            (void)ipc::ring(up_.get());
        }) {}
  void round_trip() {
    std::uint64_t value;
    if (!ipc::ring(down_.get()) || ::read(up_.get(), &value, sizeof value) != sizeof value)
      throw std::runtime_error("the other process is gone");
  }

 private:
  ipc::UniqueFd down_{::eventfd(0, EFD_CLOEXEC)}, up_{::eventfd(0, EFD_CLOEXEC)};
  Forked process_;
};

/// This thread stays on one processor, if it may run on so many; so does what is forked meanwhile.
void pin_to(const cpu_set_t& allowed, int nth) {
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || nth-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    (void)::sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

nlohmann::ordered_json round_trips(int nice_by) {
  // Where the two processes land makes them faster or slower by six times: for both pairs it is two processors.
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  (void)::sched_getaffinity(0, sizeof allowed, &allowed);
  pin_to(allowed, 1);
  Peer peer(nice_by);
  BarePair bare(nice_by);
  pin_to(allowed, 0);
  const auto start = no_op();
  std::vector<double> ours, theirs;
  for (int batch = 0; batch < kBatches; ++batch) {  // they take turns
    for (int i = 0; i < kRoundTrips; ++i) {
      const auto sent = Clock::now();
      peer.round_trip(start);
      ours.push_back(microseconds_since(sent));
    }
    for (int i = 0; i < kRoundTrips; ++i) {
      const auto sent = Clock::now();
      bare.round_trip();
      theirs.push_back(microseconds_since(sent));
    }
  }
  (void)::sched_setaffinity(0, sizeof allowed, &allowed);
  return {{"round_trip_us", spread(ours)}, {"eventfd_round_trip_us", spread(theirs)}};
}

nlohmann::ordered_json large_arguments(int nice_by) {
  v1::Start start = no_op();
  to_proto(to_payload(Bytes(std::string(kLarge, 'a'))), start.mutable_input()->add_payloads());
  std::vector<double> copies, fresh_copies, cold, warm;
  const std::string from(kLarge, 'f');
  std::string to(kLarge, 't');
  Peer peer(nice_by);
  peer.round_trip(start);
  for (int i = 0; i < kLargeRounds; ++i) {  // they take turns
    // Once before: a fork makes the next write to each page a fault.
    std::memcpy(to.data(), from.data(), kLarge);
    auto since = Clock::now();
    std::memcpy(to.data(), from.data(), kLarge);
    copies.push_back(microseconds_since(since) / 1e3);
    since = Clock::now();
    const std::string fresh = from;
    fresh_copies.push_back(microseconds_since(since) / 1e3);
    since = Clock::now();
    peer.round_trip(start);
    warm.push_back(microseconds_since(since) / 1e3);
    Peer other(nice_by);
    other.round_trip(no_op());
    since = Clock::now();
    other.round_trip(start);
    cold.push_back(microseconds_since(since) / 1e3);
  }
  return {{"memcpy_ms", spread(copies)},
          {"memcpy_to_fresh_memory_ms", spread(fresh_copies)},
          {"argument_ms", spread(warm)},
          {"argument_cold_ms", spread(cold)}};
}

}  // namespace

nlohmann::ordered_json measure_transport(const BarOptions& options) {
  nlohmann::ordered_json figures;
  figures["transport_per_second"] = rate_at_depth(options.children, options.nice, options.seconds);
  figures.update(round_trips(options.nice));
  figures.update(large_arguments(options.nice));
  return figures;
}

}  // namespace temporal::bench
