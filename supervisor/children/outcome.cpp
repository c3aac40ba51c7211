// SPDX-License-Identifier: MIT
#include "supervisor/children/outcome.hpp"

#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "temporal/errors.hpp"

namespace temporal::supervisor::children {
namespace {

std::string signal_name(int signal) {
  if (const char* name = ::sigabbrev_np(signal)) return std::string("SIG") + name;
  return "signal " + std::to_string(signal);
}

bool is_fault(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
         signal == SIGABRT || signal == SIGSYS || signal == SIGTRAP;
}

// As far as its handler got to say it.
std::string why(const Death& death) {
  std::string text;
  if (death.crash && death.crash->stack_overflow) text += ", stack overflow";
  if (!death.stack.where.empty()) text += " in " + death.stack.where;
  if (death.crash && !death.crash->exception.empty()) text += "; " + death.crash->exception;
  return text;
}

struct Verdict {
  std::string_view type;
  std::string message;
};

Verdict verdict_of(const Death& death) {
  if (death.stuck) return {kProcessLost, "was killed but does not die: it is stuck in the kernel"};
  if (death.killed_for) {
    switch (*death.killed_for) {
      case KillReason::corrupt:
        return {kProcessCorrupt, "wrote garbage into the memory it shares with the worker (" +
                                     death.fault + ") and was killed"};
      case KillReason::worker_shutdown:
        return {kWorkerShutdown, "was stopped because the worker is shutting down"};
      case KillReason::cancelled:
        return {kProcessKilled, "was killed because it did not comply with its cancellation"};
      case KillReason::timed_out:
        return {kProcessKilled, "was killed because it ran on after its timeout"};
    }
  }
  if (death.zygote_died)
    return {kProcessKilled, "was killed with the process that forked it (the zygote died)"};
  if (!death.wait_status) return {kProcessKilled, "is gone, and nobody could tell how it ended"};
  const std::string how = describe_status(death.wait_status);
  if (!WIFSIGNALED(*death.wait_status))
    return {kProcessExited, how + " in the middle of the activity"};
  if (is_fault(WTERMSIG(*death.wait_status)))
    return {kProcessCrashed, "crashed: " + how + why(death)};
  std::string hint = WTERMSIG(*death.wait_status) == SIGKILL
                         ? "; not by this worker: a person, or the kernel short of memory"
                         : "; not by this worker";
  return {kProcessKilled, "was " + how + hint};
}

Payload details_of(const Death& death) {
  nlohmann::ordered_json details;
  details["pid"] = death.pid;
  details["incarnation"] = death.incarnation;
  details["signal"] = nullptr;
  details["exit_code"] = nullptr;
  details["core_dumped"] = false;
  if (death.wait_status && WIFSIGNALED(*death.wait_status)) {
    details["signal"] = WTERMSIG(*death.wait_status);
    details["core_dumped"] = WCOREDUMP(*death.wait_status) != 0;
  } else if (death.wait_status) {
    details["exit_code"] = WEXITSTATUS(*death.wait_status);
  }
  details["cause"] = death.zygote_died ? nlohmann::ordered_json("zygote") : nullptr;
  details["uptime_ms"] = death.uptime.count();
  details["task_ms"] = death.task_time.count();
  details["maxrss_kb"] = death.max_rss_kb;
  details["stack_overflow"] = death.crash && death.crash->stack_overflow;
  details["backtrace"] = death.stack.lines;
  details["stderr_tail"] = death.stderr_tail;
  Payload payload;
  payload.metadata["encoding"] = "json/plain";
  // What a process prints need not be UTF-8.
  payload.data = details.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return payload;
}

}  // namespace

std::string_view reason_of(const Death& death) {
  if (death.stuck) return "lost";
  if (death.killed_for) {
    switch (*death.killed_for) {
      case KillReason::corrupt:
        return "corrupt";
      case KillReason::worker_shutdown:
        return "worker_shutdown";
      case KillReason::cancelled:
        return "cancelled";
      case KillReason::timed_out:
        return "timed_out";
    }
  }
  if (death.zygote_died) return "zygote_died";
  if (!death.wait_status) return "unknown";
  if (!WIFSIGNALED(*death.wait_status)) return "exited";
  return is_fault(WTERMSIG(*death.wait_status)) ? "crashed" : "killed";
}

std::string describe_status(std::optional<int> wait_status) {
  if (!wait_status) return "ended, how is unknown";
  if (WIFSIGNALED(*wait_status))
    return "killed by " + signal_name(WTERMSIG(*wait_status)) +
           (WCOREDUMP(*wait_status) ? " (core dumped)" : "");
  return "exited with code " + std::to_string(WEXITSTATUS(*wait_status));
}

api::common::v1::Payloads killed_after_grace() {
  api::common::v1::Payloads details;
  to_proto(to_payload(std::string("killed after grace")), details.add_payloads());
  return details;
}

api::failure::v1::Failure failure_of(const Death& death) {
  Verdict verdict = verdict_of(death);
  ApplicationErrorOptions options;
  options.type = verdict.type;
  Payloads details{details_of(death)};
  ApplicationError error("activity " + death.activity_type + ": its process " +
                             std::to_string(death.pid) + " " + verdict.message,
                         options, std::move(details));
  api::failure::v1::Failure failure;
  to_failure_proto(error, &failure);
  std::string stack;
  for (const auto& line : death.stack.lines) stack += line + "\n";
  failure.set_stack_trace(std::move(stack));
  return failure;
}

api::failure::v1::Failure failure_of(std::string message, std::string_view type,
                                     bool non_retryable) {
  ApplicationErrorOptions options;
  options.type = type;
  options.non_retryable = non_retryable;
  api::failure::v1::Failure failure;
  to_failure_proto(ApplicationError(std::move(message), options), &failure);
  return failure;
}

}  // namespace temporal::supervisor::children
