// SPDX-License-Identifier: MIT
#include "supervisor/queue_worker.hpp"

#include <algorithm>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <string>
#include <utility>

#include "shared/module_loader.hpp"
#include "supervisor/children/child_pool.hpp"
#include "supervisor/version.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;
namespace enums = api::enums::v1;

namespace {

// A namespace that was made a moment ago (the dev server makes its own while it starts) is not seen
// at once.
constexpr auto kNamespaceAppears = 3s;

// New at every start: what an old name still receives is of runs that are gone.
std::string sticky_name(const std::string& identity) {
  auto unique = boost::uuids::to_string(boost::uuids::random_generator()());
  std::erase(unique, '-');
  return identity.substr(0, 500) + "-" + unique;
}

}  // namespace

QueueWorker::QueueWorker(asio::any_io_executor core, Options options,
                         std::span<const ModuleFunction> own_modules, Watchdog& watchdog,
                         MetricRegistry& registry, Logger& log)
    : core_(std::move(core)),
      options_(std::move(options)),
      own_modules_(own_modules),
      watchdog_(watchdog),
      log_(log),
      instance_key_(boost::uuids::to_string(boost::uuids::random_generator()())),
      metrics_(registry, options_.name_space, options_.task_queue, log, options_.metrics) {}

void QueueWorker::load_modules() {
  register_own(own_modules_, module_);
  for (const auto& path : options_.modules) load_module(path, module_);
  const bool workflows = module_.has_workflows();
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
  deployment_ = Deployment(options_, module_);
  if (!module_.codecs().empty())
    coder_.emplace(CodecChain(module_, options_.header_codec), Coder::kThreads, &log_);
}

asio::awaitable<void> QueueWorker::start_homes(
    const std::function<std::filesystem::path()>& zygote_program,
    std::shared_ptr<children::DelegatedCgroup> cgroups) {
  if (!serves_activities_) co_return;
  homes_.emplace(core_, options_, module_, watchdog_, log_);
  children::ZygoteProgram program;
  if (homes_->needs_children())
    program = {.executable = zygote_program(), .modules = options_.modules};
  co_await homes_->start(std::move(program), std::move(cgroups));
}

asio::awaitable<void> QueueWorker::check_namespace(WorkflowService& service, std::string address) {
  service_ = &service;
  if (coder_) service_ = &coded_.emplace(service, *coder_, log_);
  options_.address = std::move(address);
  const auto give_up = std::chrono::steady_clock::now() + kNamespaceAppears;
  for (;;) {
    try {
      ws::DescribeNamespaceRequest request;
      request.set_namespace_(options_.name_space);
      name_space_ = co_await service_->describe_namespace(std::move(request));
      if (coder_) coder_->limit_payloads(blob_limit());
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

void QueueWorker::start_polling(const ws::GetSystemInfoResponse& system,
                                std::function<void(std::exception_ptr)> failed) {
  if (serves_workflows_) start_workflows(system.capabilities().sdk_metadata(), failed);
  if (serves_activities_) give_client();
  if (pool() && options_.exit_when_degraded)
    pool()->on_degraded = [failed] {
      failed(std::make_exception_ptr(std::runtime_error(
          "stopping, as --exit-when-degraded asks: what the children died of is said above")));
    };
  if (serves_activities_ && !options_.no_remote_activities) start_activities(failed);
  metrics_.worker_start.add();
  log_.info("polling", {{"address", options_.address},
                        {"namespace", options_.name_space},
                        {"task_queue", options_.task_queue},
                        {"workflows", serves_workflows_ ? module_.workflows().size() : 0},
                        {"activities", activity_tasks_ ? module_.activities().size() : 0},
                        {"children", pool() ? pool()->capacity() : 0},
                        {"server", system.server_version()}});
}

void QueueWorker::reload(children::ReloadDone done) {
  if (pool()) return pool()->reload(std::move(done));
  const std::string why = "no children run this queue's activities; the rest needs a restart";
  log_.warn("nothing is reloaded: " + why, {{"task_queue", options_.task_queue}});
  if (done) done(why);
}

void QueueWorker::start_workflows(bool sdk_metadata,
                                  const std::function<void(std::exception_ptr)>& failed) {
  workflow_threads_.emplace(
      core_, options_.workflow_threads, options_.deadlock_timeout,
      [&watchdog = watchdog_](pid_t thread, std::function<void(std::vector<std::string>)> done) {
        watchdog.stack_of(thread, std::move(done));
      });
  workflow_permits_.emplace(core_, options_.max_concurrent_workflow_tasks);
  local_calls_.emplace(LocalCallSettings{.core = core_,
                                         .metrics = metrics_,
                                         .log = log_,
                                         .name_space = options_.name_space,
                                         .plain = options_.activity_executor,
                                         .places = options_.max_concurrent_local_activities,
                                         .children = options_.offload_children > 0,
                                         .cancel_grace = options_.cancel_grace,
                                         .timeout_grace = options_.timeout_grace,
                                         .blob_limit = blob_limit()},
                       module_, homes_ ? homes_->executors() : Executors{});
  std::optional<StickyQueue> sticky;
  if (options_.max_cached_workflows > 0) {
    sticky_queue_ = sticky_name(options_.identity);
    sticky = StickyQueue{.name = sticky_queue_,
                         .max_cached = static_cast<std::size_t>(options_.max_cached_workflows),
                         .max_bytes = options_.max_cache_bytes,
                         .schedule_to_start = options_.sticky_timeout,
                         .nonsticky_ratio = options_.nonsticky_ratio};
  }
  workflow_tasks_.emplace(core_,
                          WorkflowQueue{.name_space = options_.name_space,
                                        .task_queue = options_.task_queue,
                                        .identity = options_.identity,
                                        .worker_instance_key = instance_key_,
                                        .pollers = options_.workflow_pollers,
                                        .deadlock_timeout = options_.deadlock_timeout,
                                        .determinism_guard = options_.determinism_guard,
                                        .server_keeps_sdk_metadata = sdk_metadata,
                                        .deployment = deployment_,
                                        .sticky = std::move(sticky),
                                        .max_run_bytes = options_.max_run_bytes,
                                        .blob_limit = blob_limit(),
                                        .crashes = crash_history()},
                          module_, *service_, *workflow_threads_, *local_calls_, *workflow_permits_,
                          log_, metrics_);
  workflow_tasks_->start(failed);
}

CrashHistory QueueWorker::crash_history() const {
  if (options_.crash_pages.empty()) return {};
  return {.folder = options_.crash_pages,
          .name_space = options_.name_space,
          .task_queue = options_.task_queue,
          .build = kVersion + (' ' + build_of(options_.modules, !own_modules_.empty()))};
}

void QueueWorker::give_client() {
  auto eager = [this](const std::string& task_queue) -> TakeTask {
    auto place = workflow_tasks_ ? workflow_tasks_->try_reserve(task_queue) : std::nullopt;
    if (!place) return nullptr;
    return [this, kept = std::make_shared<Permit>(std::move(*place))](PolledWorkflowTask task) {
      workflow_tasks_->take(std::move(task), std::move(*kept));
    };
  };
  client_.emplace(core_,
                  Caller{*service_, options_.name_space, options_.identity, std::move(eager)});
  homes_->give_client(*client_);
}

std::size_t QueueWorker::blob_limit() const {
  const auto limit = name_space_.namespace_info().limits().blob_size_limit_error();
  return limit > 0 ? static_cast<std::size_t>(limit) : AttemptSettings::kBlobLimit;
}

void QueueWorker::start_activities(const std::function<void(std::exception_ptr)>& failed) {
  activity_permits_.emplace(core_, options_.max_concurrent_activities);
  attempts_.emplace(AttemptSettings{.core = core_,
                                    .service = *service_,
                                    .log = log_,
                                    .metrics = metrics_,
                                    .name_space = options_.name_space,
                                    .task_queue = options_.task_queue,
                                    .identity = options_.identity,
                                    .deployment = deployment_,
                                    .throttle = {.most = options_.heartbeat_throttle_max,
                                                 .unwatched = options_.heartbeat_throttle_default},
                                    .cancel_grace = options_.cancel_grace,
                                    .timeout_grace = options_.timeout_grace,
                                    .local_timeout_buffer = options_.local_timeout_buffer,
                                    .crash_non_retryable_after = options_.crash_non_retryable_after,
                                    .slow_task = options_.slow_task,
                                    .blob_limit = blob_limit()});
  activity_tasks_.emplace(
      ActivityQueue{.name_space = options_.name_space,
                    .task_queue = options_.task_queue,
                    .identity = options_.identity,
                    .worker_instance_key = instance_key_,
                    .pollers = options_.activity_pollers,
                    .plain = options_.activity_executor,
                    .per_second = options_.activities_per_second,
                    .queue_per_second = options_.task_queue_activities_per_second,
                    .max_eager = options_.max_concurrent_eager_activities,
                    .eager = workflow_tasks_ && options_.max_eager_activities != 0},
      module_, *attempts_, *activity_permits_, homes_->table());
  activity_tasks_->start(failed);
  if (workflow_tasks_)
    workflow_tasks_->start_activities_in(*activity_tasks_, options_.max_eager_activities);
}

void QueueWorker::show_metrics() {
  if (workflow_tasks_)
    metrics_.workflow_tasks.show(workflow_tasks_->polls(), workflow_tasks_->running(),
                                 workflow_tasks_->slots());
  if (activity_tasks_)
    metrics_.activity_tasks.show(activity_tasks_->polls(), activity_tasks_->running(),
                                 activity_tasks_->slots());
  if (local_calls_) {
    metrics_.local_slots_used.set(local_calls_->running());
    metrics_.local_slots_available.set(
        std::max(local_calls_->places() - local_calls_->running(), 0));
  }
  if (workflow_tasks_) {
    const auto& counts = workflow_tasks_->cache_counts();
    metrics_.cache.hit.show(counts.hits);
    metrics_.cache.miss.show(counts.misses);
    metrics_.cache.forced_eviction.show(counts.evictions);
    metrics_.cache.size.set(static_cast<double>(workflow_tasks_->cached()));
    metrics_.cache.bytes.set(static_cast<double>(workflow_tasks_->cached_bytes()));
  }
  if (workflow_threads_) metrics_.leaked_workflow_threads.set(workflow_threads_->lost());
  if (pool()) metrics_.show(pool()->counts());
}

std::optional<std::string> QueueWorker::not_ready() const {
  if (homes_ && homes_->pool() && homes_->pool()->degraded())
    return "children die as fast as they are replaced";
  if (activity_tasks_ && !activity_tasks_->homes_up()) return "no child is up";
  return std::nullopt;
}

LogFields QueueWorker::state() const {
  LogFields state{{"task_queue", options_.task_queue},
                  {"polling", polling()},
                  {"workflow_tasks", workflow_tasks_ ? workflow_tasks_->running() : 0},
                  {"activities", activity_tasks_ ? activity_tasks_->running() : 0},
                  {"local_activities", local_calls_ ? local_calls_->open() : 0},
                  {"homes", activity_tasks_ ? activity_tasks_->homes() : LogFields::object()},
                  {"children", LogFields::array()}};
  if (workflow_tasks_) {
    const auto& counts = workflow_tasks_->cache_counts();
    state["cached_workflows"] = workflow_tasks_->cached();
    state["cached_bytes"] = workflow_tasks_->cached_bytes();
    state["cache_hits"] = counts.hits;
    state["cache_misses"] = counts.misses;
    state["cache_evictions"] = counts.evictions;
  }
  if (homes_ && homes_->pool()) state["children"] = homes_->pool()->child_pids();
  return state;
}

}  // namespace temporal::supervisor
