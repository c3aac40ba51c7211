// SPDX-License-Identifier: MIT
#include "supervisor/children/spawn_budget.hpp"

#include <algorithm>

namespace temporal::supervisor::children {
namespace {

using namespace std::chrono_literals;

constexpr auto kWindow = 60s;
constexpr auto kFirstDelay = 100ms;
constexpr SpawnBudget::Clock::duration kLongestDelay = 30s;
constexpr auto kLongestJitter = 50ms;

void forget_old(std::deque<SpawnBudget::Clock::time_point>& crashes,
                SpawnBudget::Clock::time_point now) {
  while (!crashes.empty() && now - crashes.front() > kWindow) crashes.pop_front();
}

SpawnBudget::Clock::duration backed_off(std::size_t crashes) {
  return std::min(kLongestDelay, SpawnBudget::Clock::duration(kFirstDelay) *
                                     (1 << std::min<std::size_t>(crashes, 12)));
}

}  // namespace

SpawnBudget::SpawnBudget(int children, unsigned seed) : random_(seed) { resize(children); }

void SpawnBudget::resize(int children) {
  task_budget_ = static_cast<std::size_t>(std::max(5, 2 * children));
}

SpawnBudget::Clock::duration SpawnBudget::boot_crash(Clock::time_point now) {
  forget_old(boots_, now);
  boots_.push_back(now);
  return backed_off(boots_.size() - 1);
}

SpawnBudget::Clock::duration SpawnBudget::task_crash(Clock::time_point now) {
  forget_old(tasks_, now);
  tasks_.push_back(now);
  if (tasks_.size() > task_budget_) return backed_off(tasks_.size() - task_budget_ - 1);
  // The first is replaced at once; the more there are, the less they should come back in step.
  auto most = Clock::duration(kLongestJitter) * (tasks_.size() - 1) / task_budget_;
  return Clock::duration(std::uniform_int_distribution<Clock::rep>(0, most.count())(random_));
}

bool SpawnBudget::degraded(Clock::time_point now) {
  forget_old(boots_, now);
  forget_old(tasks_, now);
  return boots_.size() >= kBootBudget || tasks_.size() > task_budget_;
}

}  // namespace temporal::supervisor::children
