// SPDX-License-Identifier: MIT
// The order in which a program becomes a worker: is it a zygote that was started again? then the
// flags, then the Supervisor.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <optional>
#include <span>

#include "child/entry.hpp"
#include "shared/module_loader.hpp"
#include "supervisor/children/child_pool.hpp"
#include "supervisor/control_command.hpp"
#include "supervisor/lint_command.hpp"
#include "supervisor/observe/log.hpp"
#include "supervisor/options.hpp"
#include "supervisor/replay_command.hpp"
#include "supervisor/rpc/grpc_service.hpp"
#include "supervisor/supervisor.hpp"
#include "temporal/worker.hpp"

namespace temporal {

namespace {

// A number that is free here goes to the next socket, and what is meant for stderr goes into it.
void open_standard_streams() {
  for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0) (void)::open("/dev/null", O_RDWR);  // takes the lowest number
}

// A sanitizer may have one of its own.
std::ptrdiff_t threads() {
#ifdef __SANITIZE_THREAD__
  return 1;
#else
  namespace fs = std::filesystem;
  return std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator());
#endif
}

// Says what ended the worker; returns an ExitCode.
int report(const std::exception_ptr& error, Logger& log) {
  using namespace supervisor;
  try {
    std::rethrow_exception(error);
  } catch (const ModuleError& e) {
    log.error(e.what());
    return kExitModule;
  } catch (const children::PoolError& e) {
    log.error(e.what());
    return e.module() ? kExitModule : kExitFatal;
  } catch (const ConnectError& e) {
    log.error(e.what());
    return kExitUnreachable;
  } catch (const SettingsError& e) {
    log.error(e.what());
    return kExitUsage;
  } catch (const DevServerError& e) {
    log.error(e.what());
    return kExitUsage;
  } catch (const std::exception& e) {
    log.error(e.what());
    return kExitFatal;
  }
}

// What a stop is bound by if all else fails: a library's thread that could not start, a codec that does not come back.
volatile std::sig_atomic_t exit_code = supervisor::kExitFatal;
void leave_at_once(int) { ::_exit(exit_code); }
constexpr unsigned kTearDownSeconds = 5;

}  // namespace

int run_worker(int argc, char** argv, std::initializer_list<ModuleFunction> modules) {
  const std::span<const ModuleFunction> own(modules.begin(), modules.size());
  child::run_role_if_any(argc, argv, own);

  if (const auto others = threads() - 1; others > 0) {
    std::cerr << "temporal-supervisor: run_worker() must come first in main(), and " << others
              << " other threads run already; to serve beside other work, use temporal::Worker\n";
    return supervisor::kExitUsage;
  }
  open_standard_streams();
  auto parsed = supervisor::parse_options(argc, argv, !own.empty());
  if (parsed.exit) return parsed.exit_code;
  if (parsed.options.verb == supervisor::Options::Verb::replay)
    return supervisor::replay_command(parsed.options, own);
  if (parsed.options.verb == supervisor::Options::Verb::lint)
    return supervisor::lint_command(parsed.options);
  if (parsed.options.verb == supervisor::Options::Verb::control)
    return supervisor::control_command(parsed.options);
  std::signal(SIGPIPE, SIG_IGN);  // whoever read the log may go away, the work goes on
  std::signal(SIGXFSZ, SIG_IGN);  // and so when its file may not grow any more
  std::signal(SIGALRM, leave_at_once);
  supervisor::Log log(parsed.options.log_format, parsed.options.log_level);
  std::optional<supervisor::Supervisor> made;
  try {
    made.emplace(std::move(parsed.workers), own, log);
  } catch (...) {
    return report(std::current_exception(), log);
  }
  auto& supervisor = *made;
  supervisor.on_log_level([&log](LogLevel lowest) { log.set_lowest(lowest); });
  int code = supervisor::kExitStopped;
  try {
    supervisor.run();
  } catch (...) {
    code = report(std::current_exception(), log);
  }
  exit_code = code;
  ::alarm(kTearDownSeconds);
  if (supervisor.user_code_left()) {
    log.warn("ending without clean-up: user code still runs in this process");
    supervisor.end_dev_server();
    ::_exit(code);
  }
  made.reset();  // with it the last of gRPC's threads, which may never end
  ::alarm(0);
  return code;
}

}  // namespace temporal
