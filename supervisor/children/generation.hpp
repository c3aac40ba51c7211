// SPDX-License-Identifier: MIT
// One zygote and the children it forked: all of one build, that of the module files at the moment it loaded them. A pool has one
// generation that takes new tasks; beside it, for a while, one that shall, and those that only finish what they have in hand.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "shared/objects.hpp"
#include "supervisor/children/zygote_link.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor::children {

class Generation;

class GenerationOwner {
 public:
  virtual void on_loaded(Generation& generation) = 0;
  virtual void on_load_failed(Generation& generation, const std::string& sentence) = 0;
  virtual void on_spawned(std::uint32_t incarnation, pid_t pid, ipc::UniqueFd pidfd) = 0;
  virtual void on_spawn_failed(std::uint32_t incarnation, const std::string& why) = 0;
  virtual void on_exited(const child::v1::Exited& exited) = 0;
  /// The last one of this generation. `how`: see describe_status().
  virtual void on_zygote_gone(Generation& generation, const std::string& how) = 0;

 protected:
  ~GenerationOwner() = default;
};

/// Thread rule: see ZygoteLink. Until it is destroyed, its owner must stay alive.
class Generation final : public std::enable_shared_from_this<Generation>, ZygoteEvents {
 public:
  /// Throws std::system_error when the process cannot be started. `number`: 1 is the pool's first.
  Generation(boost::asio::any_io_executor core, std::uint64_t number, const ZygoteProgram& program,
             GenerationOwner& owner, Logger& log);
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;
  /// Kills what end() did not.
  ~Generation();

  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] const std::shared_ptr<ZygoteLink>& zygote() const { return zygote_; }
  /// Its modules are there, and it can fork.
  [[nodiscard]] bool loaded() const { return loaded_ && !zygote_->gone(); }
  [[nodiscard]] bool has_loaded() const { return loaded_; }
  /// Of its registry: that of each of its children. Empty: each loads for itself, and has its own.
  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
  /// Differs when the registry does, or the code of program, modules or libraries (by their build ids). For people.
  [[nodiscard]] const std::string& build() const { return build_; }
  /// Where they lie in its processes.
  [[nodiscard]] const std::vector<LoadedObject>& objects() const { return objects_; }

  void adopt(std::uint32_t incarnation) { children_.insert(incarnation); }
  void forget(std::uint32_t incarnation) { children_.erase(incarnation); }
  [[nodiscard]] bool has(std::uint32_t incarnation) const {
    return children_.contains(incarnation);
  }
  [[nodiscard]] bool empty() const { return children_.empty(); }

  /// It is not needed any more. Its zygote ends by itself; one that still loads, or has children, is killed by kill().
  void end();
  void kill();
  [[nodiscard]] bool ending() const { return ending_; }

 private:
  void on_loaded(const child::v1::Loaded& loaded) override;
  void on_load_failed(const std::string& sentence) override;
  void on_spawned(std::uint32_t incarnation, pid_t pid, ipc::UniqueFd pidfd) override;
  void on_spawn_failed(std::uint32_t incarnation, const std::string& why) override;
  void on_exited(const child::v1::Exited& exited) override;
  void on_zygote_gone(const std::string& how) override;

  const std::uint64_t number_;
  GenerationOwner& owner_;
  std::shared_ptr<ZygoteLink> zygote_;
  bool loaded_ = false;
  bool ending_ = false;
  std::string fingerprint_;
  std::string build_;
  std::vector<LoadedObject> objects_;
  std::set<std::uint32_t> children_;
};

}  // namespace temporal::supervisor::children
