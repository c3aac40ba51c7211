// SPDX-License-Identifier: MIT
// Breaks the one rule a module has while it is loaded: it starts a thread.
#include <unistd.h>

#include <temporal/module.hpp>
#include <thread>

void nothing() {}

void threaded_module(temporal::Module& m) {
  std::thread([] {
    for (;;) pause();
  }).detach();
  m.activity<nothing>();
}
TEMPORAL_EXPORT_MODULE(threaded_module);
