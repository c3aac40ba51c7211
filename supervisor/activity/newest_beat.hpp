// SPDX-License-Identifier: MIT
// An activity in this process may beat a million times a second, on a thread of its own; the core
// loop looks now and then. The newest beat waits here, as bytes, and only the first since the last
// look needs to be told of.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "shared/ipc/heartbeat_slot.hpp"

namespace temporal::supervisor {

/// Thread rule: one thread (or loop) puts, another takes.
class NewestBeat {
 public:
  NewestBeat() = default;
  NewestBeat(const NewestBeat&) = delete;
  NewestBeat& operator=(const NewestBeat&) = delete;
  ~NewestBeat() { (void)take(); }

  /// True when it replaces none: who takes is to be told of it.
  bool put(ipc::Heartbeat beat) { return !swap(new ipc::Heartbeat(std::move(beat))); }
  /// Null: there is none.
  std::unique_ptr<ipc::Heartbeat> take() { return swap(nullptr); }

 private:
  std::unique_ptr<ipc::Heartbeat> swap(ipc::Heartbeat* beat) {
    return std::unique_ptr<ipc::Heartbeat>(beat_.exchange(beat, std::memory_order_acq_rel));
  }
  std::atomic<ipc::Heartbeat*> beat_ = nullptr;
};

}  // namespace temporal::supervisor
