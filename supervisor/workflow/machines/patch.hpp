// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "supervisor/workflow/machines/machine.hpp"
#include "supervisor/workflow/patch_marker.hpp"

namespace temporal::engine {

/// The marker of a patch whose new path the code took. Code may lose and gain such calls, so this
/// one machine may be left without its event; see Patches.
class Patch final : public Machine {
 public:
  enum class State { created, done };
  static constexpr std::string_view kKind = "a patch";
  static std::string_view name_of(State state);

  /// Issues RecordMarker and, unless empty, the upsert that goes with it.
  static void record(MachineHost& host, const PatchMarker& marker, Command upsert);

  void on_event(const HistoryEvent& event) override;
  [[nodiscard]] bool done() const noexcept override { return state_ == State::done; }
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  /// History has no marker for it: then it has no upsert either.
  void drop_upsert();

 private:
  explicit Patch(std::string id) : id_(std::move(id)) {}
  static const std::array<Transition<Patch>, 1>& table();
  void check(const HistoryEvent* event);

  std::string id_;
  std::weak_ptr<PendingCommand> marker_;
  std::weak_ptr<PendingCommand> upsert_;
  State state_ = State::created;
};

}  // namespace temporal::engine
