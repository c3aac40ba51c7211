// SPDX-License-Identifier: MIT
// The mother of all children of one generation. It loads the modules once, then forks on request,
// so that a new child costs a fork and shares its pages. It has one thread, and checks that before
// each fork; it never runs an activity, never opens a connection, and reaps what it made: only a
// parent learns how a process ended.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "child/modules.hpp"
#include "child/v1/child.pb.h"
#include "shared/ipc/fd.hpp"
#include "temporal/module.hpp"

namespace temporal::child {

struct ZygoteOptions {
  int socket = -1;   ///< SEQPACKET, to the supervisor
  pid_t parent = 0;  ///< the supervisor
  ModuleOptions modules;
  bool exec_children = false;  ///< each loads the modules for itself, the zygote none
};

class Zygote {
 public:
  explicit Zygote(ZygoteOptions options);
  ~Zygote();
  /// Until the supervisor closes the socket or dies; then nothing it forked is left. Returns the
  /// exit code.
  [[nodiscard]] int run();

 private:
  bool take_signals();
  bool load();
  void serve();
  void handle(ipc::Received& received, std::span<const std::byte> bytes);
  void spawn(const v1::Spawn& request, ipc::Received& received);
  void refuse(std::uint32_t incarnation, std::string why);
  void kill(const v1::Kill& request);
  void reap();
  int kill_adopted();
  void end();
  void send(const v1::FromZygote& message, std::span<const int> fds = {});

  ZygoteOptions options_;
  Module module_;
  Objects objects_;
  std::string fingerprint_;
  ipc::UniqueFd socket_;
  ipc::UniqueFd signals_;
  std::vector<int> module_descriptors_;
  std::vector<pid_t> module_processes_;      // started by modules while loading: not ours to kill
  std::map<pid_t, std::uint32_t> children_;  // and their incarnations
  bool forked_ = false;                      // a child, at least once
  bool stopping_ = false;
};

}  // namespace temporal::child
