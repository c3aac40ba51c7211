// SPDX-License-Identifier: MIT
// The life of a child once it is ready: take a Start, call the function, report exactly once, and
// again. Sleeps until it is rung in between. Whatever leaves the user's function ends here.
#pragma once

#include <cstdint>
#include <vector>

#include "child/child_context.hpp"
#include "child/limits.hpp"
#include "shared/ipc/doorbell.hpp"
#include "shared/ipc/role_arguments.hpp"
#include "temporal/module.hpp"

namespace temporal::child {

using role::kExitArena;
using role::kExitModule;
using role::kExitQuit;

class Executor {
 public:
  /// `module` and `limits` must outlive it.
  Executor(const Module& module, Surroundings surroundings, int ear, const ProcessLimits& limits)
      : module_(module), surroundings_(std::move(surroundings)), ear_(ear), limits_(limits) {}

  /// Until Quit or a corrupt ring; returns the exit code, kExitQuit or kExitArena.
  [[nodiscard]] int run();

 private:
  [[nodiscard]] ipc::Parsed take_start();
  void execute();
  /// Copies the bytes of those arguments that its function wants for itself.
  void copy_arguments(std::uint64_t viewing);
  struct Callee {
    const detail::PlainCall* function = nullptr;  ///< null: this module has no such thing
    ActivityLimits limits;
  };
  /// What the record names.
  [[nodiscard]] Callee callee() const;
  void call(const Callee& callee, ChildContext& context);
  void fail(api::failure::v1::Failure failure);
  void fail_for_memory();
  /// Of the task in hand.
  template <class Message>
  void answer_task(ipc::RecordType type, Message message);
  /// Waits for room: an answer is never dropped.
  void answer(ipc::RecordType type, const google::protobuf::MessageLite& message);
  /// For an answer of so many bytes. False: there is none now, or this child is lost.
  [[nodiscard]] bool get_segment(std::size_t size);
  /// False when the ring is corrupt.
  [[nodiscard]] bool pong();
  [[nodiscard]] bool wait_for_message();

  const Module& module_;
  Surroundings surroundings_;
  int ear_;
  const ProcessLimits& limits_;
  v1::Start start_;                        // kept, so that its buffers are used again
  std::vector<BytesView> argument_bytes_;  // what of it still lies in the segment
  std::uint64_t task_ = 0;
  bool worn_ = false;  // a task changed what cannot be taken back
  bool lost_ = false;  // the ring is corrupt: nobody hears this process any more
};

}  // namespace temporal::child
