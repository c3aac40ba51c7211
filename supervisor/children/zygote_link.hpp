// SPDX-License-Identifier: MIT
// One zygote as the supervisor sees it: started by posix_spawn, spoken to over one SEQPACKET socket, reaped when it ends. It
// decides nothing: what the zygote says goes to ZygoteEvents.
#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "child/v1/child.pb.h"
#include "shared/child_needs.hpp"
#include "shared/ipc/fd.hpp"
#include "shared/objects.hpp"
#include "supervisor/children/orphans.hpp"
#include "supervisor/children/output.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor::children {

struct ZygoteProgram {
  /// temporal-child, or a program that calls child::run_role_if_any first. A descriptor opened at start keeps working when
  /// the file on disk is replaced: give "/proc/self/fd/N".
  std::filesystem::path executable;
  std::vector<std::filesystem::path> modules;
  /// Plain functions that did not choose their home run on threads of the supervisor.
  bool plain_on_threads = false;
  /// Each child loads the modules for itself, instead of being forked from a process that has.
  bool exec_children = false;
  /// What the modules must offer, as long as the supervisor keeps those it was started with.
  ChildNeeds needs{};
};

class ZygoteEvents {
 public:
  virtual void on_loaded(const child::v1::Loaded& loaded) = 0;
  virtual void on_load_failed(const std::string& sentence) = 0;
  /// Without a pidfd where the system gives none.
  virtual void on_spawned(std::uint32_t incarnation, pid_t pid, ipc::UniqueFd pidfd) = 0;
  virtual void on_spawn_failed(std::uint32_t incarnation, const std::string& why) = 0;
  virtual void on_exited(const child::v1::Exited& exited) = 0;
  /// The last event. `how`: see describe_status().
  virtual void on_zygote_gone(const std::string& how) = 0;

 protected:
  ~ZygoteEvents() = default;
};

/// Thread rule: core loop only, and that thread must live as long as the zygote shall: it dies with the thread that made it.
class ZygoteLink : public std::enable_shared_from_this<ZygoteLink> {
 public:
  /// Throws std::system_error when the process cannot be started. Until detach(), `events` must stay alive.
  [[nodiscard]] static std::shared_ptr<ZygoteLink> start(boost::asio::any_io_executor core,
                                                         const ZygoteProgram& program,
                                                         ZygoteEvents& events, Logger& log);
  ~ZygoteLink();

  /// False when it could not be sent; the descriptors stay with the caller either way.
  [[nodiscard]] bool send(const child::v1::ToZygote& message, std::span<const int> fds = {});
  /// It kills what it forked, then ends by itself.
  void close();
  void kill();
  void detach() { events_ = nullptr; }
  /// After it died unasked. See Orphans::kill().
  int kill_orphans(const std::set<pid_t>& spared) { return orphans_.kill(spared); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool gone() const { return gone_; }

 private:
  ZygoteLink(boost::asio::any_io_executor core, ZygoteEvents& events, Logger& log);
  void launch(const ZygoteProgram& program);
  void wait_message();
  void wait_end();
  /// Where pidfd_open is denied.
  void ask_for_end();
  /// Everything that has arrived.
  void read_messages();
  void dispatch(const child::v1::FromZygote& message, ipc::Received& received);
  void on_end();

  boost::asio::any_io_executor core_;
  ZygoteEvents* events_;
  Logger& log_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::posix::stream_descriptor pidfd_;  // closed where the system gives none
  boost::asio::steady_timer ask_again_;
  std::shared_ptr<Output> output_;
  Orphans orphans_;
  pid_t pid_ = 0;
  bool gone_ = false;
};

/// Where their code lies, as zygote and children tell it.
[[nodiscard]] std::vector<LoadedObject> objects_in(
    const google::protobuf::RepeatedPtrField<child::v1::LoadedObject>& told);

/// To be asked whenever a wait for a pidfd returns: Asio may hand the event of a descriptor that was just closed to the next one
/// that is opened.
[[nodiscard]] bool has_ended(int pidfd);

}  // namespace temporal::supervisor::children
