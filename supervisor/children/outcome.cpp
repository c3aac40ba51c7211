// SPDX-License-Identifier: MIT
#include "supervisor/children/outcome.hpp"

#include <sys/wait.h>

#include <algorithm>
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

// The server keeps no more of a failure that is followed by another attempt than 4 KiB, or nothing but the beginning of its
// message. What was printed gives way.
constexpr std::size_t kKeptByServer = 4 * 1024 - 256;
constexpr std::size_t kStackLimit = 1'500;
constexpr std::size_t kWhyLimit = 1'000;

// As far as its handler got to say it.
std::string why(const Death& death) {
  std::string text;
  if (death.crash && death.crash->stack_overflow) text += ", stack overflow";
  if (!death.stack.where.empty()) text += " in " + death.stack.where;
  if (death.crash && !death.crash->exception.empty()) text += "; " + death.crash->exception;
  return text.size() > kWhyLimit ? text.substr(0, kWhyLimit) + "..." : text;
}

struct Verdict {
  std::string_view type;
  std::string message;
};

Verdict verdict_of(const Death& death) {
  if (death.beside) {
    const auto& other = death.beside->activity_type;
    return {kBystander,
            "ended because of " +
                (other.empty() ? std::string("what ran in it before") : "activity " + other) +
                ", which ran in it too (" + std::string(death.beside->why) + ")"};
  }
  if (death.stuck) return {kProcessLost, "was killed but does not die: it is stuck in the kernel"};
  if (death.killed_for) {
    switch (*death.killed_for) {
      case KillReason::corrupt:
        return {kProcessCorrupt, "wrote garbage into the memory it shares with the worker (" +
                                     death.fault + ") and was killed"};
      case KillReason::lost:
        return {kProcessLost,
                "was alive and took nothing that was sent to it, and was killed: what ran in it "
                "before may have closed or replaced its descriptors"};
      case KillReason::worker_shutdown:
        return {kWorkerShutdown, "was stopped because the worker is shutting down"};
      case KillReason::cancelled:
        return {kProcessKilled, "was killed because it did not comply with its cancellation"};
      case KillReason::timed_out:
        return {kProcessKilled, "was killed because it ran on after its timeout"};
      case KillReason::by_operator:
        return {kProcessKilled, "was killed by an operator of this worker"};
    }
  }
  if (death.zygote_died)
    return {kProcessKilled, "was killed with the process that forked it (the zygote died)"};
  if (death.out_of_memory && death.memory_limit > 0 && death.memory && death.memory->reached)
    return {kProcessOutOfMemory,
            "was killed by the kernel: it and what was started in it took more memory than the " +
                std::to_string(death.memory_limit) + " bytes that this activity may"};
  if (death.out_of_memory)
    return {kProcessOutOfMemory,
            "was killed by the kernel for want of memory: its cgroup's limit was reached, or the "
            "machine's"};
  const int signal = death.wait_status && WIFSIGNALED(*death.wait_status)
                         ? WTERMSIG(*death.wait_status)
                     : death.crash && !death.wait_status ? death.crash->signal
                                                         : 0;
  if (signal == SIGXCPU)
    return {kCpuLimit, "used more CPU time than its limit allows (SIGXCPU)" + why(death)};
  if (!death.wait_status && death.crash)
    return {kProcessCrashed, "crashed: killed by " + signal_name(death.crash->signal) + why(death)};
  if (!death.wait_status) return {kProcessKilled, "is gone, and nobody could tell how it ended"};
  const std::string how = describe_status(death.wait_status);
  if (!WIFSIGNALED(*death.wait_status))
    return {kProcessExited, how + " in the middle of the activity"};
  if (is_fault(signal)) return {kProcessCrashed, "crashed: " + how + why(death)};
  std::string hint = signal == SIGKILL ? "; not by this worker: a person, or a kernel that does "
                                         "not count whom it kills for memory"
                                       : "; not by this worker";
  return {kProcessKilled, "was " + how + hint};
}

std::string_view last_of(std::string_view text, std::size_t most) {
  return text.substr(text.size() - std::min(text.size(), most));
}

std::string joined(const std::vector<std::string>& lines, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (text.size() + lines[i].size() + 1 > most)
      return text + "... and " + std::to_string(lines.size() - i) + " more\n";
    text += lines[i] + "\n";
  }
  return text;
}

// `tail`: the most of what was printed.
Payload details_of(const Death& death, std::size_t tail) {
  nlohmann::ordered_json details;
  details["pid"] = death.pid;
  details["incarnation"] = death.incarnation;
  details["signal"] = nullptr;
  details["exit_code"] = nullptr;
  details["core_dumped"] = death.dumps_core;
  if (death.wait_status && WIFSIGNALED(*death.wait_status)) {
    details["signal"] = WTERMSIG(*death.wait_status);
    details["core_dumped"] = WCOREDUMP(*death.wait_status) != 0;
  } else if (death.wait_status) {
    details["exit_code"] = WEXITSTATUS(*death.wait_status);
  } else if (death.crash) {
    details["signal"] = death.crash->signal;
  }
  details["cause"] = nullptr;
  if (death.zygote_died) details["cause"] = "zygote";
  if (death.killed_for == KillReason::by_operator) details["cause"] = "operator";
  details["uptime_ms"] = death.uptime.count();
  details["task_ms"] = death.task_time.count();
  details["maxrss_kb"] = death.max_rss_kb;
  details["memory_peak_kb"] = nullptr;
  if (death.memory && death.memory->peak_kb) details["memory_peak_kb"] = *death.memory->peak_kb;
  details["stack_overflow"] = death.crash && death.crash->stack_overflow;
  details["stderr_tail"] = last_of(death.stderr_tail, tail);
  Payload payload;
  payload.metadata["encoding"] = "json/plain";
  // What a process prints need not be UTF-8.
  payload.data = details.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return payload;
}

}  // namespace

std::string_view reason_of(const Death& death) {
  if (death.beside) return "bystander";
  if (death.stuck) return "lost";
  if (death.killed_for) {
    switch (*death.killed_for) {
      case KillReason::corrupt:
        return "corrupt";
      case KillReason::lost:
        return "lost";
      case KillReason::worker_shutdown:
        return "worker_shutdown";
      case KillReason::cancelled:
        return "cancelled";
      case KillReason::timed_out:
        return "timed_out";
      case KillReason::by_operator:
        return "operator";
    }
  }
  if (death.zygote_died) return "zygote_died";
  if (death.out_of_memory) return "out_of_memory";
  if (!death.wait_status) return death.dumps_core ? "crashed" : "unknown";
  if (!WIFSIGNALED(*death.wait_status)) return "exited";
  if (WTERMSIG(*death.wait_status) == SIGXCPU) return "cpu_limit";
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
  const auto message = "activity " + death.activity_type + ": its process " +
                       std::to_string(death.pid) + " " + verdict.message;
  const auto stack = joined(death.stack.lines, kStackLimit);
  for (auto tail = death.stderr_tail.size();; tail /= 2) {
    ApplicationError error(message, options, Payloads{details_of(death, tail)});
    error.set_original({}, stack);
    api::failure::v1::Failure failure;
    to_failure_proto(error, &failure);
    if (tail == 0 || failure.ByteSizeLong() <= kKeptByServer) return failure;
  }
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
