// SPDX-License-Identifier: MIT
#include "supervisor/children/child_pool.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "shared/ipc/memory.hpp"
#include "shared/ipc/role_arguments.hpp"

namespace temporal::supervisor::children {
namespace {

namespace asio = boost::asio;
namespace v1 = temporal::child::v1;
using std::chrono::milliseconds;

constexpr auto kSweep = milliseconds(100);
constexpr auto kOrphansArrive = std::chrono::seconds(2);
constexpr auto kCgroupAgain = milliseconds(10);
constexpr auto kCgroupAgainAtMost = milliseconds(100);

std::string last_words(const Death& death) {
  const auto end = death.stderr_tail.find_last_not_of('\n');
  return end == std::string::npos ? "" : ": " + death.stderr_tail.substr(0, end + 1);
}

}  // namespace

ChildPool::ChildPool(asio::any_io_executor core, PoolOptions options, Logger& log)
    : core_(core),
      options_(std::move(options)),
      log_(log),
      shares_(options_.children, options_.most_children, options_.offload_children),
      budget_(processes(std::max(shares_.children(), shares_.size(Share::offload)))),
      sweep_timer_(core),
      changed_(core) {}

ChildPool::~ChildPool() {
  for (auto& [incarnation, child] : children_) child->abandon();
  if (ears_) ears_->close();
}

std::shared_ptr<Ears> ChildPool::ears() {
  if (!ears_) ears_ = Ears::open(core_);
  return ears_;
}

asio::awaitable<void> ChildPool::start() {
  accepting_ = true;
  if (options_.children + options_.offload_children == 0) co_return;
  if (!ipc::memory_can_be_sealed())
    log_.warn(
        "memfd_create is denied here: the memory that children share with this process has no "
        "seals, and modules are loaded from their files, which must not be replaced in place; "
        "allow the call in the seccomp profile, or in vm.memfd_noexec");
  starting_ = true;
  start_zygote();
  watch();
  const auto complete = [this] {
    return current_ && current_->loaded() && capacity() >= options_.children;
  };
  while (!refused_ && !complete()) co_await changed_.wait();
  starting_ = false;
  if (!refused_) {
    if (std::exchange(reload_after_start_, false)) begin_reload();
    co_return;
  }
  const PoolError error = *refused_;
  kill_all();
  co_await stop(milliseconds(0));
  throw error;
}

void ChildPool::refuse_start(const std::string& sentence, bool module) {
  if (!refused_) refused_.emplace(sentence, module);
  changed_.notify();
}

void ChildPool::later(Clock::duration delay, const std::function<void(ChildPool&)>& what) {
  auto timer = std::make_shared<asio::steady_timer>(core_, delay);
  timers_.insert(timer);
  timer->async_wait([this, timer, what, alive = std::weak_ptr(alive_)](auto error) {
    if (alive.expired()) return;
    timers_.erase(timer);
    if (!error && !stopping_) what(*this);
  });
}

std::vector<std::shared_ptr<Child>> ChildPool::places_of(std::uint32_t incarnation) const {
  const auto found = children_.find(incarnation);
  if (found == children_.end()) return {};
  return found->second->places();
}

void ChildPool::on_spawned(std::uint32_t incarnation, pid_t pid, ipc::UniqueFd pidfd) {
  auto places = places_of(incarnation);
  for (; places.size() > 1; places.pop_back()) places.back()->on_spawned(pid, duplicate(pidfd));
  if (!places.empty()) places.front()->on_spawned(pid, std::move(pidfd));
}

void ChildPool::on_spawn_failed(std::uint32_t incarnation, const std::string& why) {
  for (const auto& place : places_of(incarnation)) place->on_spawn_failed(why);
}

void ChildPool::on_exited(const v1::Exited& exited) {
  for (const auto& place : places_of(exited.incarnation())) place->on_exited(exited);
}

void ChildPool::later_unless_reloaded(Clock::duration delay,
                                      const std::function<void(ChildPool&)>& what) {
  later(delay, [what, before = reloads_](ChildPool& pool) {
    if (pool.reloads_ == before) what(pool);
  });
}

void ChildPool::on_ready(Child& child) {
  if (next_ && next_->has(child.incarnation())) take_over();
  if (leaves_with_its_generation(child)) return changed();
  budget_.became_ready();
  recycle_later();
  put_back(child.shared_from_this());
  allow_trial();
  changed();
}

void ChildPool::on_idle(Child& child) {
  if (leaves_with_its_generation(child)) return changed();
  budget_.completed_task();
  if (!stopping_ && recycle(child)) return changed();
  put_back(child.shared_from_this());
  // It had this child when it was told last.
  const bool as_told = only_polled_tasks_take_them() && growth_waits_until_ == Clock::time_point{};
  if (degraded_ || (!as_told && capacity_told_ != capacity())) changed();
}

void ChildPool::on_gone(Child& child, Gone how, const Death& death) {
  std::erase_if(idle_, [&](const Idle& idle) { return idle.child.get() == &child; });
  of_gone_ += child.counts();
  const auto generation = generation_of(child);
  if (generation) generation->forget(child.incarnation());
  children_.erase(child.incarnation());
  if (!death.told) tell_of(child, how, death, generation);
  if (generation && generation == next_)
    refuse_reload("its first child " + describe_status(death.wait_status) + " before it was ready" +
                  last_words(death));
  if (!stopping_) {
    const auto delay = death.told ? Clock::duration{} : charge(how, death, generation);
    spawn_later(delay > Clock::duration(0) ? options_.child.places : 0, delay);
  }
  if (generation) end_if_drained(generation);
  forget_the_gone();
  changed();
}

void ChildPool::end_cgroup(const std::filesystem::path& cgroup, bool dead) {
  auto& ended = options_.child.cgroups->ended;
  (dead ? ended.dead : ended.not_to_disturb).push_back(cgroup);
  if (!ending_cgroups_) end_cgroups(kCgroupAgain);
}

// The kernel takes those it kills apart in its own time: who is not gone at once is looked at again.
void ChildPool::end_cgroups(milliseconds again) {
  ending_cgroups_ = true;
  asio::post(
      beside_the_loop(),
      [this, alive = std::weak_ptr(alive_), core = core_, again, cgroups = options_.child.cgroups,
       ended = std::exchange(options_.child.cgroups->ended, {})]() mutable {
        end(ended);
        asio::post(core, [this, alive, again, cgroups, left = std::move(ended)] {
          cgroups->ended += left;
          if (alive.expired()) return;
          ending_cgroups_ = !cgroups->ended.empty();
          if (ending_cgroups_)
            later(again, [again](ChildPool& pool) {
              pool.end_cgroups(std::min<milliseconds>(2 * again, kCgroupAgainAtMost));
            });
        });
      });
}

// Once for each process.
void ChildPool::tell_of(Child& child, Gone how, const Death& death,
                        const std::shared_ptr<Generation>& generation) {
  ++exits_[how == Gone::boot_crash                              ? "not_started"
           : how == Gone::expected && !child.left_for().empty() ? child.left_for()
                                                                : reason_of(death)];
  LogFields fields{{"pid", death.pid},
                   {"how", describe_status(death.wait_status)},
                   {"uptime_ms", death.uptime.count()}};
  if (!death.activity_type.empty()) fields["activity_type"] = death.activity_type;
  if (how == Gone::expected || (generation && generation->ending())) {
    log_.debug("a child ended", fields);
  } else if (!stopping_) {
    log_.warn(how == Gone::crash ? "a child died" : "a child did not start", fields);
  }
  if (how != Gone::expected && !stopping_)
    last_crash_ = {death.pid, describe_status(death.wait_status), death.activity_type,
                   Clock::now()};
}

// How long its replacement waits.
ChildPool::Clock::duration ChildPool::charge(Gone how, const Death& death,
                                             const std::shared_ptr<Generation>& generation) {
  const auto now = Clock::now();
  Clock::duration delay{};
  // Who left as it was told to says nothing of the task that is tried.
  if (how != Gone::expected) on_trial_ = 0;
  // One that dies with its zygote costs nothing beyond what the zygote cost. It may do so after the next zygote has loaded.
  // What old code does is not charged to the new one.
  const bool charged = generation && generation == current_ && !death.zygote_died;
  if (how == Gone::boot_crash && charged) delay = after_boot_crash(now);
  if (how == Gone::crash && charged) delay = budget_.task_crash(now);
  // Code 3: it could not load what it is to run. That is told at once, not when the budget is spent.
  const bool not_loaded = options_.program.exec_children && death.wait_status &&
                          WIFEXITED(*death.wait_status) &&
                          WEXITSTATUS(*death.wait_status) == role::kExitModule;
  if (starting_ && (not_loaded || budget_.degraded(now)))
    refuse_start("children do not start: the last one " + describe_status(death.wait_status) +
                     " before it was ready" + last_words(death),
                 not_loaded);
  return delay;
}

// Same files at other addresses: this process reads the names. What was reloaded since this process started is another file, by
// its build id, and has none here.
void ChildPool::name_stack(Child& child, const std::vector<std::uintptr_t>& frames,
                           std::function<void(NamedStack)> done) {
  std::vector<std::uintptr_t> here;
  if (const auto generation = generation_of(child); generation && options_.name_stack) {
    const auto& there = child.objects().empty() ? generation->objects() : child.objects();
    for (const auto own = loaded_objects(); const auto address : frames)
      if (const auto found = translated(address, there, own)) here.push_back(*found);
  }
  if (here.empty()) return done({});
  ++naming_;
  options_.name_stack(std::move(here), [this, done = std::move(done),
                                        alive = std::weak_ptr(alive_)](NamedStack stack) {
    if (alive.expired()) return done({});
    --naming_;
    done(std::move(stack));
    changed_.notify();
  });
}

std::vector<pid_t> ChildPool::child_pids() const {
  std::vector<pid_t> pids;
  for (const auto& [incarnation, child] : children_)
    if (pids.empty() || child->pid() == 0 || child->pid() != pids.back())
      pids.push_back(child->pid());
  return pids;
}

PoolCounts ChildPool::counts() const {
  PoolCounts counts{.starts = starts_,
                    .zygotes = zygotes_,
                    .reloads = reloads_,
                    .refused_reloads = refused_reloads_,
                    .exits = exits_,
                    .of_children = of_gone_};
  for (const auto& [incarnation, child] : children_) {
    const auto state = child->state();
    ++(state == Child::State::starting ? counts.starting
       : state == Child::State::idle   ? counts.idle
       : state == Child::State::busy   ? counts.busy
                                       : counts.stopping);
    counts.of_children += child->counts();
  }
  return counts;
}

bool ChildPool::answer_waits() const {
  return std::ranges::any_of(children_,
                             [](const auto& entry) { return entry.second->has_message(); });
}

void ChildPool::changed() {
  bool degraded = budget_.degraded(Clock::now());
  if (degraded != degraded_ && !stopping_ && !starting_) {
    degraded_ = degraded;
    on_trial_ = 0;
    if (degraded)
      log_.error(
          "children die as fast as they are replaced: no more tasks are taken until one stays");
    else
      log_.info("children stay alive again");
    if (degraded && on_degraded) on_degraded();
  }
  changed_.notify();
  wake_lines();
  int now = capacity();
  if (std::exchange(capacity_told_, now) != now && on_capacity_change) on_capacity_change();
}

bool ChildPool::anything_in_flight() const {
  return degraded_ || !dead_zygotes_.empty() ||
         std::ranges::any_of(children_, [](const auto& entry) { return !entry.second->at_rest(); });
}

void ChildPool::watch() {
  if (sweeping_) return;
  sweeping_ = true;
  memory_kills_.look(Clock::now());
  sweep_timer_.expires_after(kSweep);
  sweep_timer_.async_wait([this, alive = std::weak_ptr(alive_)](auto error) {
    if (alive.expired()) return;
    sweeping_ = false;
    if (!error) sweep();
  });
}

// What a lost doorbell left, and what took too long. Runs while anything is in flight.
void ChildPool::sweep() {
  auto now = Clock::now();
  auto children = children_;  // a copy: each may leave the map
  for (auto& [incarnation, child] : children) child->sweep(now);
  memory_kills_.look(now);
  if (!dead_zygotes_.empty() && kill_orphans() == 0 && now - zygote_died_at_ >= kOrphansArrive)
    dead_zygotes_.clear();
  if (degraded_) changed();  // old crashes are forgotten with time
  if (anything_in_flight()) watch();
}

}  // namespace temporal::supervisor::children
