// SPDX-License-Identifier: MIT
// What a client asks of the server, without the types of workflows: the templates of client.hpp and workflow_handle.hpp stand on
// it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "temporal/client_errors.hpp"
#include "temporal/export.hpp"
#include "temporal/history.hpp"
#include "temporal/memo.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"
#include "temporal/search_attributes.hpp"

namespace temporal {

/// Which workflows a query is not put to.
enum class QueryReject { none, not_open, not_completed_cleanly };

struct QueryOptions {
  QueryReject reject = QueryReject::none;
  Duration timeout = std::chrono::seconds(10);  ///< for a worker to answer
};

struct UpdateOptions {
  /// Default: a random UUID. The same id is the same update, however often it is sent.
  std::string_view id{};
  Duration timeout{};  ///< 0: as long as it takes
};

/// What the server knows of a workflow without asking it.
struct WorkflowDescription {
  std::string id;
  std::string run_id;
  std::string first_run_id;  ///< of its chain of retries and continuations; empty on old servers
  std::string type;
  std::string task_queue;
  WorkflowStatus status = WorkflowStatus::unspecified;
  Time start_time{};
  std::optional<Time> close_time;   ///< none while it is open
  std::int64_t history_length = 0;  ///< events; list() may know it of closed ones only
  Memo memo;
  SearchAttributes search_attributes;
};

namespace detail {

/// Whom a call is for.
struct Target {
  std::string workflow_id;
  std::string run_id{};        ///< empty: whichever run is the newest
  std::string first_run_id{};  ///< that of the chain it must belong to; empty: of any
};

struct UpdateOutcome {
  Payload result;
  std::shared_ptr<const Failure> failure;  ///< null: it succeeded
};

struct StartedUpdate {
  Target target;
  std::string id;
  std::optional<UpdateOutcome> outcome{};  ///< where it is known already
};

/// What a client asks of the server. Blocks; from any thread but its own.
class TEMPORAL_API ClientCalls {
 public:
  virtual ~ClientCalls();
  virtual Target start(std::string_view type, const StartOptions& options, Payloads arguments) = 0;
  virtual Target signal_with_start(std::string_view type, const StartOptions& options,
                                   Payloads arguments, std::string_view signal,
                                   Payloads signal_arguments) = 0;
  virtual Payload result(const Target& target) = 0;
  virtual void signal(const Target& target, std::string_view name, Payloads arguments) = 0;
  virtual Payload query(const Target& target, std::string_view name, Payloads arguments,
                        const QueryOptions& options) = 0;
  virtual Payload update(const Target& target, std::string_view name, Payloads arguments,
                         const UpdateOptions& options) = 0;
  virtual StartedUpdate start_update(const Target& target, std::string_view name,
                                     Payloads arguments, const UpdateOptions& options) = 0;
  virtual Payload update_result(const StartedUpdate& update, Duration timeout) = 0;
  virtual void cancel(const Target& target, std::string_view reason) = 0;
  virtual void terminate(const Target& target, std::string_view reason, Payloads details) = 0;
  virtual WorkflowDescription describe(const Target& target) = 0;
  virtual History fetch_history(const Target& target) = 0;
  virtual std::vector<WorkflowDescription> list(std::string_view query, std::size_t limit) = 0;
};

}  // namespace detail

}  // namespace temporal
