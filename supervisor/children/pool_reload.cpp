// SPDX-License-Identifier: MIT
// New code while work goes on: a second zygote loads the modules beside the first, and takes over when it has shown, by a child that
// is ready, that it can. Until then nothing has changed, so a reload that comes to nothing costs nothing; after that the old
// generation takes nothing new, and ends with the last task it has in hand.
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "supervisor/children/child_pool.hpp"

namespace temporal::supervisor::children {
namespace {

constexpr auto kZygoteEnd = std::chrono::seconds(2);

}  // namespace

void ChildPool::reload(ReloadDone done) {
  std::string why;
  if (!accepting_)
    why = "the children are not started, or stop";
  else if (options_.children + options_.offload_children == 0)
    why = "this worker has no children";
  else if (options_.program.modules.empty())
    why = "the modules are part of this program; to load them anew, restart it";
  if (!why.empty()) {
    log_.warn("nothing is reloaded: " + why);
    if (done) done(why);
    return;
  }
  end_reload("another reload has taken its place");
  reload_done_ = std::move(done);
  // What is loaded just now may be older than this call.
  reload_after_start_ = starting_;
  if (!starting_) begin_reload();
}

void ChildPool::begin_reload() {
  log_.info("reloading: a second zygote loads the modules as they are now", {{"build", build_}});
  try {
    next_ = start_generation();
  } catch (const std::system_error& error) {
    refuse_reload(error.what());
  }
}

// Killed, because one that still loads hears nothing.
void ChildPool::end_reload(const std::string& refused) {
  reload_after_start_ = false;
  if (const auto next = std::exchange(next_, nullptr)) {
    log_.info("the reload is given up: " + refused);
    next->kill();
  }
  if (const auto done = std::exchange(reload_done_, nullptr)) done(refused);
}

void ChildPool::refuse_reload(const std::string& why) {
  ++refused_reloads_;
  LogFields fields{{"build", build_}};
  if (next_ && next_->loaded()) fields["refused_build"] = next_->build();
  log_.error("the reload is refused, and tasks go on to the code that was there: " + why, fields);
  if (const auto next = std::exchange(next_, nullptr)) next->kill();
  if (const auto done = std::exchange(reload_done_, nullptr)) done(why);
}

void ChildPool::take_over() {
  const auto old = std::exchange(current_, std::exchange(next_, nullptr));
  const auto last = std::exchange(build_, current_->build());
  // Crashes of the old code, and the delays they have earned, are its own.
  ++reloads_;
  held_ = 0;
  budget_.became_ready();
  budget_.completed_task();
  const auto now = census();
  log_.info("reloaded: new tasks go to the modules as they are now",
            {{"generation", current_->number()},
             {"build", build_},
             {"last_build", last},
             {"still_running", now.polled + now.offloaded}});
  for (auto& idle : std::exchange(idle_, {})) idle.child->dismiss("reloaded");
  if (old) end_if_drained(old);
  spawn_missing();
  if (const auto done = std::exchange(reload_done_, nullptr)) done({});
}

bool ChildPool::leaves_with_its_generation(Child& child) {
  const auto generation = generation_of(child);
  if (stopping_ || !generation || generation == current_ || generation->zygote()->gone())
    return false;
  dismiss(child, "reloaded");
  spawn_missing();
  return true;
}

void ChildPool::end_if_drained(const std::shared_ptr<Generation>& generation) {
  if (stopping_ || generation == current_ || generation == next_ || !generation->empty() ||
      generation->ending() || generation->zygote()->gone())
    return;
  log_.info("the children from before the reload are gone", {{"generation", generation->number()}});
  generation->end();
  later(kZygoteEnd, [ending = std::weak_ptr(generation)](ChildPool&) {
    if (const auto late = ending.lock()) late->kill();
  });
}

}  // namespace temporal::supervisor::children
