// SPDX-License-Identifier: MIT
// The end of a pool: asks, waits, forces, and returns when no process is left. Every wait has a bound.
#include <utility>

#include "supervisor/children/child_pool.hpp"

namespace temporal::supervisor::children {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr auto kZygoteEnd = std::chrono::seconds(2);
constexpr auto kOrphansArrive = std::chrono::seconds(2);
constexpr auto kNamesArrive = std::chrono::seconds(5);  // of the stacks of crashes
constexpr auto kOrphanRetry = milliseconds(5);

}  // namespace

void ChildPool::notify_shutdown() {
  notified_ = true;
  for (auto& [incarnation, child] : children_) child->notify_shutdown();
}

void ChildPool::stop_accepting() {
  accepting_ = false;
  changed();
}

void ChildPool::kill_tasks() {
  const auto children = children_;  // a copy: each may leave the map
  for (const auto& [incarnation, child] : children)
    if (child->attempt()) child->kill(KillReason::worker_shutdown);
}

void ChildPool::kill_all() {
  hurry_ = true;
  changed_.notify();
}

asio::awaitable<void> ChildPool::stop(milliseconds cancel_grace) {
  stop_accepting();
  stopping_ = true;
  end_reload("the worker is stopping");
  for (const auto& timer : timers_) timer->cancel();
  for (auto& idle : std::exchange(idle_, {})) idle.child->quit();
  for (auto& [incarnation, child] : children_)
    if (auto* attempt = child->attempt()) attempt->cancel(CancelReason::worker_shutdown);
  watch();

  // on_gone() and the sweep wake this up; a child that cannot die is given up by its ladder.
  asio::steady_timer grace(core_, cancel_grace);
  bool grace_over = false;
  grace.async_wait([this, &grace_over, alive = std::weak_ptr(alive_)](auto error) {
    if (error || alive.expired()) return;
    grace_over = true;
    changed_.notify();
  });
  while (!children_.empty()) {
    auto children = children_;
    for (auto& [incarnation, child] : children) {
      // One that starts has nothing in hand, and is deaf to SIGTERM until it has its own handlers.
      if (hurry_ || child->state() == Child::State::starting)
        child->kill(KillReason::worker_shutdown);
      else if (grace_over)
        child->terminate(KillReason::worker_shutdown);
    }
    if (!children_.empty()) co_await changed_.wait();
  }
  grace.cancel();
  const auto names_end = Clock::now() + kNamesArrive;
  while (naming_ > 0 && !hurry_ && Clock::now() < names_end) co_await pause(kOrphanRetry);

  if (!generations_.empty()) {
    for (auto& generation : generations_) generation->end();
    asio::steady_timer patience(core_, kZygoteEnd);
    patience.async_wait([this, alive = std::weak_ptr(alive_)](auto error) {
      if (error || alive.expired()) return;
      for (auto& generation : generations_) generation->kill();
    });
    while (!generations_.empty()) co_await changed_.wait();
    patience.cancel();
  }
  const auto orphans_end = Clock::now() + kOrphansArrive;
  while (kill_orphans() > 0 && Clock::now() < orphans_end) co_await pause(kOrphanRetry);
  dead_zygotes_.clear();
  sweep_timer_.cancel();
}

int ChildPool::kill_orphans() {
  std::set<pid_t> known;
  for (const auto& generation : generations_)
    if (!generation->zygote()->gone()) known.insert(generation->zygote()->pid());
  for (const auto& [incarnation, child] : children_) known.insert(child->pid());
  int left = 0;
  for (auto& zygote : dead_zygotes_) left += zygote->kill_orphans(known);
  return left;
}

}  // namespace temporal::supervisor::children
