// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "supervisor/workflow/machines/machine.hpp"
#include "supervisor/workflow/update_request.hpp"

namespace temporal::engine {

/// What is said of an update: that it is accepted, then what came of it; or, once, that it is rejected. A message says it, and
/// a command of its own keeps the message's place among the other commands. A rejection has neither command nor event.
class UpdateMessage final : public Machine {
 public:
  enum class State { accepting, completing, done };
  static constexpr std::string_view kKind = "an update";
  static std::string_view name_of(State state);

  static void accept(MachineHost& host, const UpdateRequest& update);
  static void complete(MachineHost& host, const UpdateRequest& update,
                       api::update::v1::Outcome outcome);
  static void reject(MachineHost& host, const UpdateRequest& update,
                     api::failure::v1::Failure failure);

  void on_event(const HistoryEvent& event) override;
  [[nodiscard]] bool done() const noexcept override { return state_ == State::done; }

 private:
  UpdateMessage(State state, std::string instance_id)
      : state_(state), instance_id_(std::move(instance_id)) {}
  static const std::array<Transition<UpdateMessage>, 2>& table();
  static void issue(MachineHost& host, State state, const UpdateRequest& update,
                    const google::protobuf::Message& body, std::string_view suffix);
  void check_accepted(const HistoryEvent* event);
  void check_completed(const HistoryEvent* event);
  void check(const HistoryEvent& event, const std::string& recorded) const;

  State state_;
  std::string instance_id_;
};

}  // namespace temporal::engine
