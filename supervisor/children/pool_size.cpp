// SPDX-License-Identifier: MIT
// How many children there are: who is missing is forked, who is too many and idle for long is told to leave.
#include <algorithm>

#include "supervisor/children/child_pool.hpp"
#include "supervisor/children/placement.hpp"

namespace temporal::supervisor::children {
namespace {

constexpr auto kAgedRetry = std::chrono::milliseconds(100);
constexpr auto kGrowthPause = std::chrono::seconds(10);

}  // namespace

Census ChildPool::census() const {
  Census now;
  for (const auto& [incarnation, child] : children_) {
    const auto state = child->state();
    const auto* attempt = child->attempt();
    const bool offloaded = attempt && attempt->share_ == Share::offload;
    // The first child of a generation that is to come may come to nothing.
    const bool to_come = next_ && next_->has(incarnation);
    now.staying += !child->leaves() && !to_come;
    now.ready += state == Child::State::idle || state == Child::State::busy;
    now.polled += state == Child::State::busy && !offloaded;
    now.offloaded += state == Child::State::busy && offloaded;
    now.polled_calls += attempt && !offloaded;
    now.offload_calls += offloaded;
  }
  now.polled_calls += polled_.length();
  now.offload_calls += offloaded_.length();
  return now;
}

int ChildPool::capacity() const {
  if (!accepting_) return 0;
  const auto now = census();
  if (degraded_) return std::min(on_trial_, shares_.places(Share::polled, now));
  return Clock::now() < growth_waits_until_ ? shares_.places(Share::polled, now)
                                            : shares_.promised(now);
}

int ChildPool::idle_count() const { return static_cast<int>(idle_.size()); }

int ChildPool::wanted(const Census& now) const {
  const int places = options_.child.places;
  return (shares_.wanted(now) + places - 1) / places * places;
}

void ChildPool::dismiss(Child& child, std::string_view why) {
  child.dismiss(why);
  if (options_.child.places > 1)
    std::erase_if(idle_, [](const Idle& one) { return one.child->leaves(); });
}

ChildSettings ChildPool::settings_of_next() const {
  auto settings = options_.child;
  if (options_.cores.empty()) return settings;
  std::vector<int> taken;
  for (const auto& [incarnation, child] : children_)
    if (child->core() && !child->leaves()) taken.push_back(*child->core());
  settings.core = least_taken(options_.cores, taken);
  return settings;
}

void ChildPool::spawn_missing() {
  if (!current_ || !current_->loaded() || !accepting_) return;  // on_loaded comes back here
  const auto now = census();
  const int wanted = this->wanted(now);
  const int places = options_.child.places;
  // Those on their way out may take long, by their hooks: a stream of short tasks must not fill the machine with them.
  const auto there = std::ranges::count_if(
      children_, [](const auto& entry) { return !entry.second->finishes_for_others(); });
  const int room = 2 * std::max(places, wanted) - static_cast<int>(there);
  for (int missing = std::min(wanted - now.staying - held_, room); missing >= places;
       missing -= places) {
    if (spawn_in(*current_)) continue;
    log_.error("no memory or descriptors for a child");
    spawn_later(missing, after_boot_crash(Clock::now()));
    changed();
    return;
  }
  watch();
}

bool ChildPool::spawn_in(Generation& generation) {
  const std::uint32_t first = next_incarnation_;
  const Lifespan lifespan(options_.recycling, Clock::now(), random_);
  auto places = Child::spawn(core_, *generation.zygote(), first, generation.fingerprint(),
                             settings_of_next(), lifespan, *this, log_);
  next_incarnation_ += static_cast<std::uint32_t>(options_.child.places);
  if (places.empty()) return false;
  ++starts_;
  for (auto& place : places) {
    const auto incarnation = place->incarnation();
    if (notified_) place->notify_shutdown();
    generation.adopt(incarnation);
    children_[incarnation] = std::move(place);
  }
  return true;
}

// The system has no room for more, or more do not start: those that are always there are not to suffer for it.
ChildPool::Clock::duration ChildPool::after_boot_crash(Clock::time_point now) {
  const bool growing = shares_.size(Share::polled) > shares_.children() &&
                       shares_.places(Share::polled, census()) >= shares_.children();
  if (!growing) return budget_.boot_crash(now);
  growth_waits_until_ = now + kGrowthPause;
  later(kGrowthPause, &ChildPool::changed);
  return kGrowthPause;
}

void ChildPool::set_children(int children, int most_children) {
  shares_.resize(children, most_children);
  budget_.resize(processes(std::max(shares_.children(), shares_.size(Share::offload))));
  const auto now = census();
  excess_ = std::max(0, now.staying - wanted(now));
  while (!idle_.empty() && take_excess()) {
    auto child = std::move(idle_.front().child);
    idle_.pop_front();
    dismiss(*child, "stopped");
  }
  watch();
  spawn_missing();
  changed();
}

// Others that are not wanted just now are kept for a while, for the next task.
bool ChildPool::take_excess() {
  if (excess_ == 0) return false;
  const auto now = census();
  const bool left = now.staying - wanted(now) >= options_.child.places;
  excess_ = left ? std::max(0, excess_ - options_.child.places) : 0;
  return left;
}

void ChildPool::spawn_later(int children, Clock::duration delay) {
  held_ += children;
  later_unless_reloaded(delay, [children](ChildPool& pool) {
    pool.held_ -= children;
    pool.spawn_missing();
    pool.allow_trial();
  });
}

// What crashed may be one task of many. Only one that is completed shows that, so one more is taken than run already.
void ChildPool::allow_trial() {
  if (!degraded_ || on_trial_ > 0 || held_ > 0 || !budget_.children_start()) return;
  on_trial_ = census().polled_calls + 1;
  changed();
}

// One at a time, and not in step with whatever else runs every half minute: the next call may be near, and a fork costs more than
// an idle child.
void ChildPool::reap_later() {
  // Those that drain after a reload are too many already, and will leave.
  if (generations_.size() > 1) return;
  if (reaping_ || idle_.empty() || shares_.spare(census()) < options_.child.places) return;
  const auto jitter = std::uniform_int_distribution<Clock::rep>(
      0, Clock::duration(options_.reap_after).count() / 8)(random_);
  const auto due = idle_.front().since + options_.reap_after - Clock::now();
  reaping_ = true;
  later(std::max(due, Clock::duration(0)) + Clock::duration(jitter), &ChildPool::reap);
}

void ChildPool::reap() {
  reaping_ = false;
  const auto now = Clock::now();
  const auto old = std::ranges::find_if(idle_, [&](const Idle& one) {
    const auto places = one.child->places();
    return now - one.since >= options_.reap_after &&
           std::ranges::all_of(
               places, [](const auto& place) { return place->state() == Child::State::idle; });
  });
  const auto census = this->census();
  const bool too_many = census.staying - wanted(census) >= options_.child.places &&
                        shares_.spare(census) >= options_.child.places;
  if (generations_.size() == 1 && old != idle_.end() && too_many) {
    auto child = std::move(old->child);
    idle_.erase(old);
    dismiss(*child, "stopped");
    watch();
  }
  reap_later();
}

// The replacement is forked at once: it costs the place a few milliseconds, and no task its child.
bool ChildPool::recycle(Child& child) {
  const auto why = child.outlived(Clock::now());
  if (why.empty()) return false;
  log_.debug("a child makes room for a fresh one", {{"pid", child.pid()}, {"bound", why}});
  dismiss(child, "recycled");
  spawn_missing();
  return true;
}

void ChildPool::recycle_later() {
  if (options_.recycling.max_age.count() == 0 || aging_ || children_.empty()) return;
  auto due = Clock::time_point::max();
  for (const auto& [incarnation, child] : children_) due = std::min(due, child->ends());
  aging_ = true;
  later(std::max<Clock::duration>(due - Clock::now(), kAgedRetry), &ChildPool::recycle_aged);
}

// Of those that work, on_idle() sees it.
void ChildPool::recycle_aged() {
  aging_ = false;
  const auto idle = idle_;  // a copy: recycle() may change what is idle
  for (const auto& [child, since] : idle)
    if (child->state() == Child::State::idle && recycle(*child))
      std::erase_if(idle_, [&](const Idle& one) { return one.child == child; });
  recycle_later();
  changed();
}

}  // namespace temporal::supervisor::children
