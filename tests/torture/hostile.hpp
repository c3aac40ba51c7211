// SPDX-License-Identifier: MIT
// Activities that mean harm, or that meet it. Each file of them registers its own. What must hang hangs in a loop: a signal cannot
// cut that short.
#pragma once

#include <unistd.h>

#include <temporal/activity.hpp>
#include <temporal/module.hpp>

namespace hostile {

namespace activity = temporal::activity;

[[noreturn]] inline void hang() {
  for (;;) ::pause();
}

/// Tells the other side that the activity has begun. That may cancel it before this returns.
template <class Details>
void say_begun(activity::Context& ctx, const Details& details) {
  try {
    ctx.heartbeat(details);
  } catch (const temporal::Cancelled&) {
  }
}

/// From now on what this child publishes wakes nobody.
int lose_doorbell();

void register_deaths(temporal::Module& m);
void register_beats(temporal::Module& m);
void register_forgeries(temporal::Module& m);
void register_attacks(temporal::Module& m);
void register_limits(temporal::Module& m);
void register_descriptors(temporal::Module& m);

}  // namespace hostile
