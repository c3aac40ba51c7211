// SPDX-License-Identifier: MIT
// The one copy in a process of what activities reach beside their Context.
#include "temporal/activity.hpp"

#include <stdexcept>
#include <utility>
#include <vector>

#include "shared/offloaded.hpp"
#include "temporal/module.hpp"

namespace temporal {

namespace detail {

ObjectBase::~ObjectBase() = default;

void throw_not_built(const std::string& type) {
  throw std::logic_error("the " + type +
                         " of this module is not built in this process: it is built only where "
                         "activities on it run");
}

}  // namespace detail

namespace activity {

namespace detail {

ContextBackend::~ContextBackend() = default;
ClientBackend::~ClientBackend() = default;
Offload::~Offload() = default;

void throw_not_encodable(const std::type_info& type, std::string_view reason) {
  throw ApplicationError("heartbeat details of type " + temporal::detail::demangled(type) +
                             " cannot be encoded: " + std::string(reason),
                         {.type = "EncodeError"});
}

void throw_last_heartbeat_unreadable(const DecodeError& error) {
  throw ApplicationError(std::string("details of the last heartbeat: ") + error.what(),
                         {.type = "DecodeError", .non_retryable = true});
}

namespace {

thread_local Offload* this_offload = nullptr;
thread_local ClientBackend* this_client = nullptr;

std::vector<temporal::detail::OffloadedFunction>& pending() {
  static std::vector<temporal::detail::OffloadedFunction> functions;
  return functions;
}

}  // namespace

Offload& offload() {
  if (!this_offload)
    throw std::logic_error(
        "activity::in_child() and activity::to_thread() are for coroutine activities of a running "
        "worker: in a child process or on a thread call the function itself");
  return *this_offload;
}

void set_offload(Offload* offload) noexcept { this_offload = offload; }

ClientBackend& client_backend() {
  if (!this_client)
    throw std::logic_error(
        "activity::client() is for coroutine activities of a running worker: a child process and a "
        "thread have no connection to the server; make the activity a coroutine, or start the "
        "workflow from the workflow");
  return *this_client;
}

void set_client_backend(ClientBackend* backend) noexcept { this_client = backend; }

bool register_offloaded(temporal::detail::OffloadedFunction function) {
  pending().push_back(std::move(function));
  return true;
}

}  // namespace detail

void Context::beat(std::string_view encoding, std::string_view details) {
  backend_->heartbeat(encoding, details);
  throw_if_cancelled();
}

void Context::throw_if_cancelled() const {
  if (auto reason = cancel_reason())
    throw Cancelled("the activity was told to stop: " + std::string(to_string(*reason)), {},
                    *reason);
}

}  // namespace activity

std::vector<detail::OffloadedFunction> take_offloaded() {
  return std::exchange(activity::detail::pending(), {});
}

}  // namespace temporal
