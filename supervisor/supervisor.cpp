// SPDX-License-Identifier: MIT
#include "supervisor/supervisor.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <set>
#include <utility>

#include "supervisor/child_program.hpp"
#include "supervisor/children/keep_out.hpp"
#include "supervisor/rpc/connection.hpp"
#include "supervisor/rpc/grpc_service.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace temporal::supervisor {

namespace {

int port_of(const std::string& address) {
  try {
    return std::stoi(address.substr(address.rfind(':') + 1));
  } catch (const std::exception&) {
    throw SettingsError("--address " + address + " names no port; write HOST:PORT");
  }
}

// A child's sockets, memory and pidfd, and what the process has beside them.
constexpr rlim_t kDescriptorsPerChild = 6;
constexpr rlim_t kDescriptorsBeside = 64;

// What all series of the process have in common.
MetricLabels labels_of(const std::vector<Options>& workers) {
  const auto same = [&](const auto member) {
    return std::ranges::all_of(
        workers, [&](const auto& worker) { return worker.*member == workers.front().*member; });
  };
  MetricLabels labels;
  if (same(&Options::name_space)) labels.emplace_back("namespace", workers.front().name_space);
  if (same(&Options::task_queue)) labels.emplace_back("task_queue", workers.front().task_queue);
  return labels;
}

void count(ProcessMetrics& metrics, std::string_view method, CallKind kind,
           const CallResult& result, std::chrono::nanoseconds took) {
  const bool unary = kind == CallKind::unary;
  const bool well = result.ok() || (!unary && is_empty_poll(result));
  metrics.request(method, !unary, well ? std::string_view() : name_of(result.code), took);
}

}  // namespace

struct Supervisor::Server {
  Server(const std::string& address, Logger& log, ProcessMetrics& metrics)
      : connection({.address = address}),
        service(connection,
                {.log = &log, .on_try = [&metrics](auto... tried) { count(metrics, tried...); }}) {}

  Connection connection;
  GrpcService service;
  api::workflowservice::v1::GetSystemInfoResponse system;
};

Supervisor::Supervisor(std::vector<Options> workers, std::span<const ModuleFunction> own_modules,
                       Logger& log, Process process)
    : options_(std::move(workers)),
      own_modules_(own_modules),
      log_(log),
      metrics_(registry_, options_.front().metrics, labels_of(options_)),
      watchdog_(log, {.stall = options_.front().loop_stall}, &metrics_) {
  for (const auto& options : options_)
    workers_.emplace_back(core_.get_executor(), options, own_modules_, watchdog_, registry_, log_);
  if (options_.front().debug)
    log_.warn(
        "debug mode: no deadlock detector and no determinism guard; a workflow that blocks or asks "
        "the clock is not noticed");
  if (process == Process::embedding) return;
  crash_reports_.emplace(watchdog_, log_, options_.front().crash_pages);
  signals_.emplace(core_, SIGINT, SIGTERM, SIGQUIT);
  resize_signals_.emplace(core_, SIGTTIN, SIGTTOU);
  state_signal_.emplace(core_, log_, [this] { return state(); });
  init_.emplace(core_);
  reload_signal_.emplace(core_, [this] { reload(); });
}

Supervisor::~Supervisor() = default;

// A limit that is too low would show only as children that cannot be forked.
void Supervisor::allow_descriptors(int more) const {
  rlim_t needed = kDescriptorsBeside + kDescriptorsPerChild * static_cast<rlim_t>(more);
  for (const auto& worker : workers_)
    needed += kDescriptorsPerChild * static_cast<rlim_t>(worker.most_child_places());
  // A reload has as many again for a moment: that is worth raising the limit for, not refusing to start.
  const auto wished = 2 * needed;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wished) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < needed)
    throw SettingsError(
        "this process may open " + std::to_string(limit.rlim_max) +
        " descriptors, and its children need " + std::to_string(needed) +
        ": raise the limit (ulimit -n, LimitNOFILE=), or lower --children and --children-max");
}

void Supervisor::run() {
  std::exception_ptr failed;
  asio::co_spawn(core_, serve(), [&](std::exception_ptr error) {
    failed = std::move(error);
    core_.stop();
  });
  {
    const auto watch = watchdog_.watch("core", Watchdog::LoopKind::core, core_.get_executor());
    core_.run();
  }
  if (failed) std::rethrow_exception(failed);
}

void Supervisor::request_stop() {
  asio::post(core_, [this] { ask_to_stop(); });
}

asio::awaitable<void> Supervisor::serve() {
  if (signals_) asio::co_spawn(core_, take_signals(), asio::detached);
  if (resize_signals_) asio::co_spawn(core_, take_resize_signals(), asio::detached);
  std::exception_ptr failed;
  try {
    for (auto& worker : workers_) worker.load_modules();
    allow_descriptors();
    const bool has_children = std::ranges::any_of(
        workers_, [](const auto& worker) { return worker.most_child_places() > 0; });
    // Before anything is started that would be in the way where this process has to move aside.
    if (has_children) cgroups_ = delegated_cgroup();
    // An embedding program's memory is its own to close.
    if (signals_ && has_children && !options_.front().debug) children::keep_out();
    serve_metrics();
    open_control();
    if (options_.front().dev) start_dev_server();
    // Being told to stop ends a start that waits (for the server, say) as well as the service.
    if (dev_server_)
      co_await first_of(start(), dev_server_->died());
    else
      co_await start();
  } catch (...) {
    failed = std::current_exception();
  }
  co_await stop();
  if (!failed) failed = fatal_;
  if (failed) std::rethrow_exception(failed);
}

asio::awaitable<void> Supervisor::start() {
  auto start_all = [this]() -> asio::awaitable<void> {
    server_ = std::make_unique<Server>(options_.front().address, log_, metrics_);
    phase_ = "the homes of activities are starting";
    for (auto& worker : workers_)
      co_await worker.start_homes([this] { return zygote_program(); }, cgroups_);
    phase_ = "waiting for the server at " + options_.front().address;
    co_await connect();
    for (auto& worker : workers_)
      co_await worker.check_namespace(server_->service, options_.front().address);
    for (auto& worker : workers_)
      worker.start_polling(server_->system,
                           [this](std::exception_ptr error) { fail(std::move(error)); });
    phase_.clear();
    co_await stop_asked();
  };
  co_await first_of(start_all(), stop_asked());
}

void Supervisor::serve_metrics() {
  const auto& address = options_.front().metrics.address;
  const auto where = parse_endpoint(address);
  if (!where) return;
  try {
    http_.emplace(core_.get_executor(), *where,
                  HttpPages{.metrics = [this] { return metrics(); },
                            .not_ready = [this] { return not_ready(); }});
  } catch (const boost::system::system_error& error) {
    throw SettingsError("cannot serve metrics at " + address + ": " + error.code().message() +
                        "; name another address or port with --metrics");
  }
  const auto bound = http_->endpoint();
  log_.info("metrics are served",
            {{"address", bound.address().to_string()}, {"port", bound.port()}});
}

std::string Supervisor::metrics() {
  for (auto& worker : workers_) worker.show_metrics();
  return registry_.text();
}

std::optional<std::string> Supervisor::not_ready() const {
  if (!phase_.empty()) return phase_;
  if (paused_) return "polling is paused by an operator";
  if (!server_->connection.up()) return "there is no connection to the server";
  for (const auto& worker : workers_)
    if (auto why = worker.not_ready()) return why;
  return std::nullopt;
}

void Supervisor::start_dev_server() {
  auto& options = options_.front();
  std::set<std::string> name_spaces;
  for (const auto& worker : options_) name_spaces.insert(worker.name_space);
  dev_server_.emplace(DevServer::Options{.port = port_of(options.address),
                                         .ui_port = options.dev_ui_port,
                                         .name_spaces = {name_spaces.begin(), name_spaces.end()},
                                         .database = options.dev_db});
  options.address = dev_server_->address();
  log_.info("a dev server starts", {{"address", options.address}, {"ui", dev_server_->ui()}});
}

asio::awaitable<void> Supervisor::connect() {
  auto say_so = [this]() -> asio::awaitable<void> {
    for (;;) {
      co_await supervisor::pause(5s);
      log_.info("waiting for the server", {{"address", options_.front().address}});
    }
  };
  auto answered = [this]() -> asio::awaitable<void> {
    server_->system = co_await server_->service.connect(options_.front().connect_timeout);
  };
  co_await first_of(answered(), say_so());
}

// Opened once: replacing the file on disk does not break respawns.
std::filesystem::path Supervisor::zygote_program() {
  if (!zygote_binary_) zygote_binary_ = open_child_program(!own_modules_.empty());
  return "/proc/self/fd/" + std::to_string(zygote_binary_.get());
}

// Unasked it is taken only where it is this process's alone.
std::shared_ptr<children::DelegatedCgroup> Supervisor::delegated_cgroup() const {
  const auto& named = options_.front().child_cgroup;
  if (named && named->empty()) return nullptr;
  auto folder = named;
  if (!named && signals_) folder = children::DelegatedCgroup::marked();
  if (named == kOwnCgroup) folder = children::DelegatedCgroup::own();
  if (!folder) {
    if (named) throw SettingsError("--child-cgroup own: this process is in no cgroup (version 2)");
    log_.debug("children share the worker's cgroup: none is marked as delegated to it");
    return nullptr;
  }
  try {
    auto cgroups = children::DelegatedCgroup::below(*folder);
    log_.info("each child has a cgroup of its own", {{"below", folder->string()}});
    if (const int ended = cgroups->ended_at_start(); ended > 0)
      log_.warn("ended what workers that were killed had left in their cgroups",
                {{"processes", ended}});
    return cgroups;
  } catch (const children::CgroupError& error) {
    if (named) throw SettingsError(std::string("--child-cgroup: ") + error.what());
    log_.write(error.denied() ? LogLevel::debug : LogLevel::warn,
               error.what() + std::string("; --child-cgroup off does not try"), {});
    return nullptr;
  }
}

asio::awaitable<void> Supervisor::take_signals() {
  for (;;) {
    const int signal = co_await signals_->async_wait(asio::use_awaitable);
    ask_to_stop();
    if (signal == SIGQUIT) hurry_.ask();
  }
}

void Supervisor::ask_to_stop() {
  // run_worker() leaves at once when it goes off.
  if (signals_ && !stop_asked_) {
    constexpr auto kAllButGrace = 40s;
    auto grace = std::chrono::milliseconds(0);
    for (const auto& options : options_) grace = std::max(grace, options.grace);
    ::alarm(static_cast<unsigned>(
        std::chrono::ceil<std::chrono::seconds>(grace + kAllButGrace).count()));
  }
  if (stop_asked_) hurry_.ask();
  stop_asked_ = true;
  told_.notify();
}

void Supervisor::reload() {
  if (stop_asked_) return log_.warn("nothing is reloaded: the worker is stopping");
  for (auto& worker : workers_) worker.reload();
}

asio::awaitable<void> Supervisor::stop_asked() {
  while (!stop_asked_ && !fatal_) co_await told_.wait();
}

void Supervisor::fail(std::exception_ptr error) {
  if (!fatal_) fatal_ = std::move(error);
  told_.notify();
}

asio::awaitable<void> Supervisor::stop() {
  phase_ = "the worker is stopping";
  const bool polled = std::ranges::any_of(workers_, &QueueWorker::polling);
  if (polled) log_.info("stopping");
  std::size_t left = workers_.size();
  Wakeup one_ended{core_.get_executor()};
  for (auto& worker : workers_)
    asio::co_spawn(core_, worker.stop(hurry_), [&](const std::exception_ptr& error) {
      if (error && !fatal_) fatal_ = error;
      --left;
      one_ended.notify();
    });
  while (left > 0) co_await one_ended.wait();
  control_.reset();
  if (polled) log_.info("stopped");
}

bool Supervisor::user_code_left() const {
  return std::ranges::any_of(workers_, &QueueWorker::user_code_left);
}

LogFields Supervisor::state() const {
  LogFields workers = LogFields::array();
  for (const auto& worker : workers_) workers.push_back(worker.state());
  return {{"workers", std::move(workers)}};
}

}  // namespace temporal::supervisor
