// SPDX-License-Identifier: MIT
#include "supervisor/threads/watchdog.hpp"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <future>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "shared/alternate_stack.hpp"
#include "supervisor/threads/stacks.hpp"
#include "supervisor/threads/symbols.hpp"
#include "supervisor/threads/watched_loop.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace temporal::supervisor {

namespace {

// The first look at symbols reads those of all objects, which lasts longer than a report may.
void warm_up_symbols() {
  const auto here = reinterpret_cast<std::uintptr_t>(&warm_up_symbols);
  (void)resolve({&here, 1});
}

}  // namespace

class Watchdog::Impl {
 public:
  Impl(Logger& log, WatchdogOptions options, Listener* listener)
      : log_(log),
        options_(options),
        listener_(listener),
        // Each look asks: what is stuck is seen at most this much after its time.
        look_every_(std::clamp<Duration>(options.stall / 4, 5ms, 500ms)),
        tick_(context_),
        bell_(context_, new_bell()) {
    prepare_stacks();
    await_ring();
    std::promise<pid_t> started;
    auto id = started.get_future();
    thread_ = std::thread([this, &started] {
      ::pthread_setname_np(::pthread_self(), "watchdog");
      const AlternateStack alternate_stack;
      started.set_value(::gettid());
      context_.run();
    });
    id_ = id.get();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    context_.stop();
    thread_.join();
  }

  std::shared_ptr<Loop> watch(std::string name, LoopKind kind, Loop::Executor executor) {
    auto loop = std::make_shared<Loop>(std::move(name), kind, executor, options_, log_, listener_);
    {
      const std::lock_guard lock(mutex_);
      loops_.push_back(loop);
    }
    if (options_.stall > 0ms) asio::post(context_, [this, kind] { begin_to_look(kind); });
    return loop;
  }

  [[nodiscard]] std::vector<std::shared_ptr<Loop>> loops() const {
    const std::lock_guard lock(mutex_);
    return loops_;
  }

  void stack_of(pid_t thread, std::function<void(std::vector<std::string>)> done) {
    asio::post(context_, [thread, done = std::move(done)] {
      const auto snapshot = snapshot_of(thread);
      done(snapshot ? printed(*snapshot) : std::vector<std::string>());
    });
  }

  void name_crash(std::vector<std::uintptr_t> addresses, std::function<void(PrintedStack)> done) {
    asio::post(context_, [addresses = std::move(addresses), done = std::move(done)] {
      done(printed_crash(addresses));
    });
  }

  void on_ring(std::function<void()> answer) {
    const std::lock_guard lock(ring_mutex_);
    answer_ = std::move(answer);
  }

  void ring() const noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(bell_fd_, &one, sizeof one);
  }

  [[nodiscard]] pid_t thread() const noexcept { return id_; }

 private:
  using Duration = std::chrono::steady_clock::duration;

  int new_bell() {
    bell_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    return bell_fd_;
  }

  void await_ring() {
    bell_.async_wait(bell_.wait_read, [this](boost::system::error_code error) {
      if (error) return;
      std::uint64_t rings = 0;
      [[maybe_unused]] const auto got = ::read(bell_fd_, &rings, sizeof rings);
      {
        const std::lock_guard lock(ring_mutex_);
        if (answer_) answer_();
      }
      await_ring();
    });
  }

  // The watchdog's thread from here on.
  void begin_to_look(LoopKind kind) {
    // With a loop of user coroutines, their modules are loaded.
    if (kind == LoopKind::user) warm_up_symbols();
    if (std::exchange(looking_, true)) return;
    last_look_ = std::chrono::steady_clock::now();
    tick_.expires_at(last_look_);
    look();
  }

  void look() {
    const auto now = std::chrono::steady_clock::now();
    auto passed = now - last_look_;
    const auto late = now - tick_.expiry();
    if (late > look_every_) passed -= late;  // in which it did not run itself
    for (const auto& loop : loops()) loop->look(passed, last_look_);
    last_look_ = now;
    tick_.expires_after(look_every_);
    tick_.async_wait([this](boost::system::error_code error) {
      if (!error) look();
    });
  }

  Logger& log_;
  const WatchdogOptions options_;
  Listener* const listener_;
  const Duration look_every_;
  asio::io_context context_{1};
  asio::steady_timer tick_;
  int bell_fd_ = -1;  // owned by bell_
  asio::posix::stream_descriptor bell_;
  bool looking_ = false;
  std::chrono::steady_clock::time_point last_look_{};
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Loop>> loops_;
  std::mutex ring_mutex_;
  std::function<void()> answer_;
  pid_t id_ = 0;
  std::thread thread_;
};

Watchdog::Watchdog(Logger& log, WatchdogOptions options, Listener* listener)
    : impl_(std::make_unique<Impl>(log, options, listener)) {}

Watchdog::~Watchdog() = default;

Watchdog::Watch Watchdog::watch(std::string name, LoopKind kind,
                                asio::io_context::executor_type loop) {
  return Watch(impl_->watch(std::move(name), kind, loop));
}

std::vector<Watchdog::Stalls> Watchdog::stalls() const {
  std::vector<Stalls> all;
  for (const auto& loop : impl_->loops()) all.push_back(loop->stalls());
  return all;
}

void Watchdog::stack_of(pid_t thread, std::function<void(std::vector<std::string>)> done) {
  impl_->stack_of(thread, std::move(done));
}

void Watchdog::name_crash(std::vector<std::uintptr_t> addresses,
                          std::function<void(PrintedStack)> done) {
  impl_->name_crash(std::move(addresses), std::move(done));
}

void Watchdog::on_ring(std::function<void()> answer) { impl_->on_ring(std::move(answer)); }

void Watchdog::ring() const noexcept { impl_->ring(); }

pid_t Watchdog::thread() const noexcept { return impl_->thread(); }

bool Watchdog::Watch::answered() const noexcept { return loop_ && loop_->answered_once(); }

Watchdog::Watch::~Watch() {
  if (loop_) loop_->unwatch();
}

Watchdog::Watch& Watchdog::Watch::operator=(Watch&& other) noexcept {
  if (loop_) loop_->unwatch();
  loop_ = std::move(other.loop_);
  return *this;
}

}  // namespace temporal::supervisor
