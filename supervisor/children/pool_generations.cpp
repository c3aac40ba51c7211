// SPDX-License-Identifier: MIT
// Zygotes: how one is started, what it says when it has loaded or cannot, and who follows one that died.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "supervisor/children/child_pool.hpp"

namespace temporal::supervisor::children {

// The first one's modules are those of this process, by their fingerprint; of the others that is too much to ask.
std::shared_ptr<Generation> ChildPool::start_generation() {
  auto program = options_.program;
  if (starting_) program.needs = {};
  GenerationOwner& self = *this;
  auto generation = std::make_shared<Generation>(core_, zygotes_ + 1, program, self, log_);
  ++zygotes_;
  return generations_.emplace_back(std::move(generation));
}

std::shared_ptr<Generation> ChildPool::generation_of(const Child& child) const {
  const auto found = std::ranges::find_if(
      generations_, [&](const auto& generation) { return generation->has(child.incarnation()); });
  return found == generations_.end() ? nullptr : *found;
}

void ChildPool::start_zygote() {
  try {
    current_ = start_generation();
  } catch (const std::system_error& error) {
    if (starting_) return refuse_start(error.what(), false);
    log_.error("the zygote cannot be started again", {{"why", error.what()}});
    later_unless_reloaded(budget_.boot_crash(Clock::now()), &ChildPool::start_zygote);
    changed();
  }
}

void ChildPool::on_loaded(Generation& generation) {
  if (&generation == next_.get()) {
    if (!spawn_in(generation))
      refuse_reload("there is no memory or descriptor for its first child");
    return watch();
  }
  if (&generation != current_.get()) return;  // a reload has replaced it
  if (starting_ && !options_.fingerprint.empty() && !options_.program.exec_children &&
      generation.fingerprint() != options_.fingerprint)
    return refuse_start("the zygote loaded other modules (" + generation.fingerprint() +
                            ") than this process (" + options_.fingerprint +
                            "): were they rebuilt? restart the worker",
                        true);
  const auto last = std::exchange(build_, generation.build());
  if (!last.empty() && last != build_)
    log_.warn("the zygote that follows a dead one has loaded changed modules",
              {{"build", build_}, {"last_build", last}});
  changed_.notify();
  spawn_missing();
}

void ChildPool::on_load_failed(Generation& generation, const std::string& sentence) {
  if (starting_) return refuse_start(sentence, true);
  if (&generation == next_.get()) return refuse_reload(sentence);
  // Running work must not pay for it: the pool is degraded, and tries again.
  if (&generation == current_.get()) log_.error(sentence);
}

void ChildPool::on_zygote_gone(Generation& gone, const std::string& how) {
  const auto generation = gone.shared_from_this();
  const bool booted = generation->has_loaded();
  auto zygote = generation->zygote();
  dead_zygotes_.push_back(std::move(zygote));
  zygote_died_at_ = Clock::now();
  if (generation == next_) refuse_reload("its zygote " + how);
  const bool was_current = generation == current_;
  if (was_current) current_.reset();
  // A copy: each may leave the map.
  auto children = children_;
  for (auto& [incarnation, child] : children)
    if (generation->has(incarnation)) child->on_zygote_gone();
  forget_the_gone();
  watch();
  changed_.notify();
  if (stopping_ || (!was_current && generation->ending())) return;
  if (starting_) return refuse_start("the zygote " + how + " while it started", false);
  log_.error("the zygote died, its children with it",
             {{"how", how}, {"generation", generation->number()}});
  if (!was_current) return;
  auto now = Clock::now();
  later_unless_reloaded(booted ? budget_.task_crash(now) : budget_.boot_crash(now),
                        &ChildPool::start_zygote);
  changed();
}

void ChildPool::forget_the_gone() {
  std::erase_if(generations_, [](const auto& generation) {
    return generation->zygote()->gone() && generation->empty();
  });
  if (!stopping_) reap_later();
}

}  // namespace temporal::supervisor::children
