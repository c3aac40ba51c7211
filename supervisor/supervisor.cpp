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
#include "supervisor/activity/child_executor.hpp"
#include "supervisor/activity/loop_executor.hpp"
#include "supervisor/children/child_pool.hpp"
#include "supervisor/rpc/connection.hpp"
#include "supervisor/rpc/grpc_service.hpp"
#include "supervisor/tasks/activity_tasks.hpp"
#include "supervisor/tasks/workflow_tasks.hpp"
#include "supervisor/threads/loop_threads.hpp"
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

bool needs(const Module& module, temporal::Executor executor) {
  for (const auto& [name, activity] : module.activities())
    if (activity.executor == executor) return true;
  return false;
}

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
  std::optional<LoopThreads> loop_threads;
  std::optional<Permits> workflow_permits, activity_permits, child_places, loop_places;
  std::unique_ptr<children::ChildPool> pool;
  std::optional<ChildExecutor> child_executor;
  std::optional<LoopExecutor> loop_executor;
  std::optional<Home> child_home, loop_home;
  std::optional<AttemptSettings> attempts;
  std::optional<WorkflowTasks> workflow_tasks;
  std::optional<ActivityTasks> activity_tasks;

  [[nodiscard]] bool user_code_left() const {
    return (workflow_threads && workflow_threads->lost() > 0) ||
           (workflow_tasks && workflow_tasks->running() > 0) ||
           (activity_tasks && activity_tasks->running() > 0);
  }
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
  core_.run();
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
  for (auto function : own_modules_) function(module_);
  for (const auto& path : options_.modules) load_module(path, module_);
  if (module_.activities().empty() && module_.workflows().empty())
    throw SettingsError(
        "the modules register neither a workflow nor an activity: nothing to serve");

  auto start = [this]() -> asio::awaitable<void> {
    if (options_.dev) {
      dev_server_.emplace(DevServer::Options{.port = port_of(options_.address),
                                             .ui_port = options_.dev_ui_port,
                                             .name_space = options_.name_space,
                                             .database = options_.dev_db});
      options_.address = dev_server_->address();
    }
    parts_ = std::make_unique<Parts>(core_, options_);
    co_await start_children();
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

asio::awaitable<void> Supervisor::start_children() {
  auto& parts = *parts_;
  const auto core = core_.get_executor();
  if (!needs(module_, temporal::Executor::child)) co_return;
  if (options_.children == 0) {
    std::string names;
    for (const auto& [name, activity] : module_.activities())
      if (activity.executor == temporal::Executor::child)
        names += (names.empty() ? "" : ", ") + name;
    throw SettingsError("--children 0 leaves no place for the plain-function activities " + names +
                        ": allow children, or make them coroutines");
  }
  parts.child_places.emplace(core, 0);
  children::PoolOptions pool;
  pool.children = options_.children;
  pool.program = {.executable = zygote_program(), .modules = options_.modules};
  pool.fingerprint = fingerprint(module_);
  pool.child.nice = options_.child_nice;
  pool.child.term_grace = options_.term_grace;
  parts.pool = std::make_unique<children::ChildPool>(core, std::move(pool), log_);
  parts.pool->on_capacity_change = [&parts] {
    parts.child_places->set_capacity(parts.pool->capacity());
  };
  co_await parts.pool->start();
  parts.child_places->set_capacity(parts.pool->capacity());
  parts.child_executor.emplace(*parts.pool, options_.task_queue, log_);
  parts.child_home.emplace(Home{*parts.child_executor, *parts.child_places});
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
  const auto core = core_.get_executor();
  auto failed = [this](std::exception_ptr error) { fail(std::move(error)); };

  if (!module_.workflows().empty()) {
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
    parts.workflow_tasks->start(failed);
  }
  if (!module_.activities().empty()) {
    if (needs(module_, temporal::Executor::loop)) {
      parts.loop_threads.emplace(options_.loop_threads);
      parts.loop_places.emplace(core, options_.max_concurrent_activities);
      parts.loop_executor.emplace(module_, *parts.loop_threads, log_, options_.task_queue);
      parts.loop_home.emplace(Home{*parts.loop_executor, *parts.loop_places});
    }
    parts.activity_permits.emplace(core, options_.max_concurrent_activities);
    parts.attempts.emplace(AttemptSettings{.core = core,
                                           .service = parts.service,
                                           .log = log_,
                                           .name_space = options_.name_space,
                                           .identity = options_.identity});
    if (auto limit = parts.name_space.namespace_info().limits().blob_size_limit_error(); limit > 0)
      parts.attempts->blob_limit = static_cast<std::size_t>(limit);
    parts.activity_tasks.emplace(ActivityQueue{.name_space = options_.name_space,
                                               .task_queue = options_.task_queue,
                                               .identity = options_.identity,
                                               .worker_instance_key = parts.instance_key,
                                               .pollers = options_.activity_pollers},
                                 module_, *parts.attempts, *parts.activity_permits,
                                 parts.child_home ? &*parts.child_home : nullptr,
                                 parts.loop_home ? &*parts.loop_home : nullptr);
    parts.activity_tasks->start(failed);
  }
  LogFields line{{"address", options_.address},
                 {"namespace", options_.name_space},
                 {"task_queue", options_.task_queue},
                 {"workflows", module_.workflows().size()},
                 {"activities", module_.activities().size()},
                 {"children", parts.pool ? options_.children : 0},
                 {"server", parts.system.server_version()}};
  if (dev_server_) line["ui"] = dev_server_->ui();
  log_.info("polling", line);
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
  if (parts.pool) parts.pool->notify_shutdown();
  if (parts.workflow_tasks || parts.activity_tasks) co_await announce_stop();
  co_await end_polling();
  if (parts.activity_tasks) co_await drain_activities();
  if (parts.workflow_tasks) co_await within(5s, parts.workflow_tasks->drained());
  if (parts.pool) co_await parts.pool->stop();
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
  const auto& parts = *parts_;
  state["polling"] = parts.workflow_tasks.has_value() || parts.activity_tasks.has_value();
  if (parts.workflow_tasks) state["workflow_tasks"] = parts.workflow_tasks->running();
  if (parts.activity_tasks) state["activities"] = parts.activity_tasks->running();
  if (parts.pool) state["children"] = parts.pool->child_pids();
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
