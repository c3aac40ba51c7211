// SPDX-License-Identifier: MIT
// Where one task at a time runs in a child: memory, rings and bells of its own, and a thread that sleeps until it is rung. A
// process has one place, or as many as --tasks-per-child says.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "child/child_context.hpp"
#include "child/limits.hpp"
#include "child/v1/child.pb.h"
#include "shared/ipc/arena.hpp"
#include "shared/ipc/fd.hpp"
#include "shared/ipc/records.hpp"
#include "temporal/module.hpp"

namespace temporal::child {

/// In the order in which the supervisor attaches them.
struct PlaceDescriptors {
  static constexpr std::size_t kCount = 5;

  ipc::UniqueFd down;
  ipc::UniqueFd up;
  ipc::UniqueFd ear;  ///< for the bell that the supervisor wakes it by
  ipc::UniqueFd supervisor_bell;
  ipc::UniqueFd bulk;
};

/// Thread rule: the thread that serves it.
class Place {
 public:
  /// Null when the memory is not what it should be. `largest_bulk`: bytes of one answer.
  [[nodiscard]] static std::unique_ptr<Place> open(PlaceDescriptors descriptors,
                                                   std::size_t largest_bulk);
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  /// What stays open while it serves.
  [[nodiscard]] std::array<int, 3> descriptors() const noexcept {
    return {descriptors_.ear.get(), descriptors_.supervisor_bell.get(), descriptors_.bulk.get()};
  }
  [[nodiscard]] ipc::CrashPage& crash() const noexcept { return arena_.crash(); }
  /// Says Ready, as this thread, then takes tasks; see Executor.
  [[nodiscard]] int serve(v1::Ready ready, const Module& module, const ProcessLimits& limits);

 private:
  Place(PlaceDescriptors descriptors, ipc::ChildArena arena, std::size_t largest_bulk);

  PlaceDescriptors descriptors_;
  ipc::ChildArena arena_;
  ipc::Channel channel_;
};

}  // namespace temporal::child
