// SPDX-License-Identifier: MIT
#include "supervisor/supervisor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <utility>

#include "shared/module_loader.hpp"
#include "supervisor/children/child_pool.hpp"
#include "supervisor/rpc/connection.hpp"
#include "supervisor/rpc/grpc_service.hpp"
#include "supervisor/tasks/activity_homes.hpp"
#include "supervisor/tasks/activity_tasks.hpp"
#include "supervisor/tasks/workflow_tasks.hpp"
#include "supervisor/threads/workflow_threads.hpp"
#include "supervisor/version.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;
namespace enums = api::enums::v1;

namespace {

// From "cancel what runs" to SIGTERM.
constexpr auto kAfterCancel = 3s;
// A namespace that was made a moment ago (the dev server makes its own while it starts) is not seen
// at once.
constexpr auto kNamespaceAppears = 3s;

int port_of(const std::string& address) {
  try {
    return std::stoi(address.substr(address.rfind(':') + 1));
  } catch (const std::exception&) {
    throw SettingsError("--address " + address + " names no port; write HOST:PORT");
  }
}

}  // namespace

// Declared in order of need: who is used by others comes first, and is destroyed last.
struct Supervisor::Parts {
  Parts(asio::io_context& core, const Options& options)
      : connection({.address = options.address}), core(core) {}

  Connection connection;
  asio::io_context& core;
  GrpcService service{connection};
  ws::GetSystemInfoResponse system;
  ws::DescribeNamespaceResponse name_space;
  std::string instance_key = boost::uuids::to_string(boost::uuids::random_generator()());

  std::optional<WorkflowThreads> workflow_threads;
  std::optional<Permits> workflow_permits, activity_permits;
  std::optional<ActivityHomes> homes;
  std::optional<AttemptSettings> attempts;
  std::optional<WorkflowTasks> workflow_tasks;
  std::optional<ActivityTasks> activity_tasks;

  [[nodiscard]] bool user_code_left() const {
    return (workflow_threads && workflow_threads->lost() > 0) ||
           (workflow_tasks && workflow_tasks->running() > 0) ||
           (activity_tasks && activity_tasks->running() > 0) || (homes && homes->threads_busy());
  }
  [[nodiscard]] children::ChildPool* pool() { return homes ? homes->pool() : nullptr; }
};

Supervisor::Supervisor(Options options, std::span<const ModuleFunction> own_modules, Log& log)
    : options_(std::move(options)), own_modules_(own_modules), log_(log) {}

Supervisor::~Supervisor() = default;

int Supervisor::run() {
  int code = kExitStopped;
  asio::co_spawn(core_, serve(), [&](std::exception_ptr error) {
    if (error) code = report(error);
    core_.stop();
  });
  core_watch_ = watchdog_.watch("core", Watchdog::LoopKind::core, core_.get_executor());
  core_.run();
  core_watch_ = {};
  if (parts_ && parts_->user_code_left()) {
    // It holds what a destructor would free, and it may never return.
    log_.warn("ending without clean-up: user code still runs in this process");
    dev_server_.reset();
    ::_exit(code);
  }
  parts_.reset();
  return code;
}

asio::awaitable<void> Supervisor::serve() {
  load_modules();
  auto start = [this]() -> asio::awaitable<void> {
    if (options_.dev) {
      dev_server_.emplace(DevServer::Options{.port = port_of(options_.address),
                                             .ui_port = options_.dev_ui_port,
                                             .name_space = options_.name_space,
                                             .database = options_.dev_db});
      options_.address = dev_server_->address();
    }
    parts_ = std::make_unique<Parts>(core_, options_);
    co_await start_homes();
    co_await connect();
    co_await check_namespace();
    start_polling();
    co_await until_told_to_stop();
  };
  // A signal ends a start that waits (for the server, say) as well as the service.
  std::exception_ptr failed;
  try {
    auto told = [this]() -> asio::awaitable<void> {
      co_await signals_.async_wait(asio::use_awaitable);
      ++signals_seen_;
    };
    co_await first_of(start(), told());
  } catch (...) {
    failed = std::current_exception();
  }
  co_await stop();
  if (!failed) failed = fatal_;
  if (failed) std::rethrow_exception(failed);
}

void Supervisor::load_modules() {
  register_own(own_modules_, module_);
  for (const auto& path : options_.modules) load_module(path, module_);
  const bool workflows = !module_.workflows().empty();
  const bool activities = !module_.activities().empty() || module_.catch_all();
  if (!workflows && !activities)
    throw SettingsError(
        "the modules register neither a workflow nor an activity: nothing to serve");
  if (options_.workflows_only && !workflows)
    throw SettingsError("--workflows-only, but the modules register no workflow: nothing to serve");
  if (options_.activities_only && !activities)
    throw SettingsError(
        "--activities-only, but the modules register no activity: nothing to serve");
  serves_workflows_ = workflows && !options_.activities_only;
  serves_activities_ = activities && !options_.workflows_only;
}

asio::awaitable<void> Supervisor::start_homes() {
  if (!serves_activities_) co_return;
  auto& homes = parts_->homes.emplace(core_.get_executor(), options_, module_, watchdog_, log_);
  children::ZygoteProgram program;
  if (homes.needs_children())
    program = {.executable = zygote_program(), .modules = options_.modules};
  co_await homes.start(std::move(program));
}

// Opened once: replacing the file on disk does not break respawns.
std::filesystem::path Supervisor::zygote_program() {
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  std::filesystem::path program = self;
  if (own_modules_.empty()) {
    // Beside the supervisor when installed, in the neighbouring folder of a build tree.
    program = self.parent_path() / "temporal-child";
    if (!exists(program)) program = self.parent_path().parent_path() / "child" / "temporal-child";
  }
  zygote_binary_ = ipc::UniqueFd(::open(program.c_str(), O_RDONLY | O_CLOEXEC));
  if (zygote_binary_.get() < 0)
    throw SettingsError("temporal-child is not beside " + self.string() +
                        "; install both together");
  return "/proc/self/fd/" + std::to_string(zygote_binary_.get());
}

asio::awaitable<void> Supervisor::connect() {
  auto say_so = [this]() -> asio::awaitable<void> {
    for (;;) {
      co_await pause(5s);
      log_.info("waiting for the server", {{"address", options_.address}});
    }
  };
  auto answered = [this]() -> asio::awaitable<void> {
    parts_->system = co_await parts_->service.connect(options_.connect_timeout);
  };
  co_await first_of(answered(), say_so());
}

asio::awaitable<void> Supervisor::check_namespace() {
  const auto give_up = std::chrono::steady_clock::now() + kNamespaceAppears;
  for (;;) {
    try {
      ws::DescribeNamespaceRequest request;
      request.set_namespace_(options_.name_space);
      parts_->name_space = co_await parts_->service.describe_namespace(std::move(request));
      co_return;
    } catch (const RpcError& error) {
      if (error.code() == RpcCode::unimplemented) co_return;
      if (error.code() != RpcCode::not_found) throw;
      if (std::chrono::steady_clock::now() > give_up)
        throw SettingsError("namespace '" + options_.name_space + "' does not exist at " +
                            options_.address + "; create it, or name another with --namespace");
    }
    co_await pause(200ms);
  }
}

void Supervisor::start_polling() {
  auto& parts = *parts_;
  if (serves_workflows_) start_workflows();
  if (serves_activities_) start_activities();
  LogFields line{{"address", options_.address},
                 {"namespace", options_.name_space},
                 {"task_queue", options_.task_queue},
                 {"workflows", serves_workflows_ ? module_.workflows().size() : 0},
                 {"activities", serves_activities_ ? module_.activities().size() : 0},
                 {"children", parts.pool() ? parts.pool()->capacity() : 0},
                 {"server", parts.system.server_version()}};
  if (dev_server_) line["ui"] = dev_server_->ui();
  log_.info("polling", line);
}

void Supervisor::start_workflows() {
  auto& parts = *parts_;
  const auto core = core_.get_executor();
  parts.workflow_threads.emplace(core, options_.workflow_threads, options_.deadlock_timeout);
  parts.workflow_permits.emplace(core, options_.max_concurrent_workflow_tasks);
  parts.workflow_tasks.emplace(
      core,
      WorkflowQueue{.name_space = options_.name_space,
                    .task_queue = options_.task_queue,
                    .identity = options_.identity,
                    .worker_instance_key = parts.instance_key,
                    .pollers = options_.workflow_pollers,
                    .deadlock_timeout = options_.deadlock_timeout,
                    .server_keeps_sdk_metadata = parts.system.capabilities().sdk_metadata()},
      module_, parts.service, *parts.workflow_threads, *parts.workflow_permits, log_);
  parts.workflow_tasks->start([this](std::exception_ptr error) { fail(std::move(error)); });
}

void Supervisor::start_activities() {
  auto& parts = *parts_;
  const auto core = core_.get_executor();
  parts.activity_permits.emplace(core, options_.max_concurrent_activities);
  parts.attempts.emplace(AttemptSettings{.core = core,
                                         .service = parts.service,
                                         .log = log_,
                                         .name_space = options_.name_space,
                                         .identity = options_.identity,
                                         .slow_task = options_.slow_task});
  if (auto limit = parts.name_space.namespace_info().limits().blob_size_limit_error(); limit > 0)
    parts.attempts->blob_limit = static_cast<std::size_t>(limit);
  parts.activity_tasks.emplace(
      ActivityQueue{.name_space = options_.name_space,
                    .task_queue = options_.task_queue,
                    .identity = options_.identity,
                    .worker_instance_key = parts.instance_key,
                    .pollers = options_.activity_pollers,
                    .plain = options_.activity_executor,
                    .per_second = options_.activities_per_second,
                    .queue_per_second = options_.task_queue_activities_per_second},
      module_, *parts.attempts, *parts.activity_permits, parts.homes->table());
  parts.activity_tasks->start([this](std::exception_ptr error) { fail(std::move(error)); });
}

asio::awaitable<void> Supervisor::until_told_to_stop() {
  while (!fatal_) co_await told_.wait();
}

void Supervisor::fail(std::exception_ptr error) {
  if (!fatal_) fatal_ = std::move(error);
  told_.notify();
}

// Each step is bounded; all of it fits into the 30 s that Kubernetes allows.
asio::awaitable<void> Supervisor::stop() {
  if (!parts_) co_return;
  auto& parts = *parts_;
  if (parts.workflow_tasks || parts.activity_tasks) log_.info("stopping");
  if (parts.workflow_tasks) parts.workflow_tasks->stop_polling();
  if (parts.activity_tasks) parts.activity_tasks->stop_polling();
  if (parts.activity_tasks) parts.activity_tasks->notify_shutdown();
  if (parts.pool()) parts.pool()->notify_shutdown();
  if (parts.workflow_tasks || parts.activity_tasks) co_await announce_stop();
  co_await end_polling();
  if (parts.activity_tasks) co_await drain_activities();
  if (parts.workflow_tasks) co_await within(5s, parts.workflow_tasks->drained());
  if (parts.pool()) co_await parts.pool()->stop();
  if (parts.workflow_tasks || parts.activity_tasks) log_.info("stopped");
}

// The server moves what it keeps for this worker to others.
asio::awaitable<void> Supervisor::announce_stop() {
  ws::ShutdownWorkerRequest request;
  request.set_namespace_(options_.name_space);
  request.set_identity(options_.identity);
  request.set_worker_instance_key(parts_->instance_key);
  request.set_task_queue(options_.task_queue);
  if (parts_->workflow_tasks) request.add_task_queue_types(enums::TASK_QUEUE_TYPE_WORKFLOW);
  if (parts_->activity_tasks) request.add_task_queue_types(enums::TASK_QUEUE_TYPE_ACTIVITY);
  request.set_reason("the worker is stopping");
  try {
    co_await parts_->service.shutdown_worker(std::move(request));
  } catch (const RpcError& error) {
    log_.debug("the server was not told of the stop", {{"error", error.what()}});
  }
}

// Some servers end the open polls now by themselves. A task that comes with one is still served.
asio::awaitable<void> Supervisor::end_polling() {
  using namespace asio::experimental::awaitable_operators;
  auto& parts = *parts_;
  const bool polls_end =
      parts.name_space.namespace_info().capabilities().worker_poll_complete_on_shutdown();
  const auto patience = polls_end ? 5s : 1s;
  auto activities = [&]() -> asio::awaitable<void> {
    if (parts.activity_tasks) co_await parts.activity_tasks->end_polling(patience);
  };
  auto workflows = [&]() -> asio::awaitable<void> {
    if (parts.workflow_tasks) co_await parts.workflow_tasks->end_polling(patience);
  };
  co_await (activities() && workflows());
}

asio::awaitable<void> Supervisor::drain_activities() {
  auto& tasks = *parts_->activity_tasks;
  auto hurried = [this]() -> asio::awaitable<void> {
    while (signals_seen_ < 2) {
      co_await signals_.async_wait(asio::use_awaitable);
      ++signals_seen_;
    }
  };
  if (tasks.running() > 0)
    log_.info("waiting for activities to end",
              {{"running", tasks.running()}, {"grace_ms", options_.grace.count()}});
  auto patient = [&]() -> asio::awaitable<void> {
    co_await within(options_.grace, tasks.drained());
  };
  co_await first_of(patient(), hurried());
  if (tasks.running() == 0) co_return;
  log_.info("cancelling the activities that are left", {{"running", tasks.running()}});
  tasks.cancel_all(CancelReason::worker_shutdown);
  if (co_await within(kAfterCancel, tasks.drained())) co_return;
  tasks.terminate_all();
  co_await within(options_.term_grace + 2s, tasks.drained());
}

LogFields Supervisor::state() const {
  LogFields state{{"polling", false},
                  {"workflow_tasks", 0},
                  {"activities", 0},
                  {"children", LogFields::array()}};
  if (!parts_) return state;
  auto& parts = *parts_;
  state["polling"] = parts.workflow_tasks.has_value() || parts.activity_tasks.has_value();
  if (parts.workflow_tasks) state["workflow_tasks"] = parts.workflow_tasks->running();
  if (parts.activity_tasks) state["activities"] = parts.activity_tasks->running();
  if (auto* pool = parts.pool()) state["children"] = pool->child_pids();
  return state;
}

int Supervisor::report(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const ModuleError& e) {
    log_.error(e.what());
    return kExitModule;
  } catch (const children::PoolError& e) {
    log_.error(e.what());
    return e.module() ? kExitModule : kExitFatal;
  } catch (const ConnectError& e) {
    log_.error(e.what());
    return kExitUnreachable;
  } catch (const SettingsError& e) {
    log_.error(e.what());
    return kExitUsage;
  } catch (const DevServerError& e) {
    log_.error(e.what());
    return kExitUsage;
  } catch (const std::exception& e) {
    log_.error(e.what());
    return kExitFatal;
  }
}

}  // namespace temporal::supervisor
