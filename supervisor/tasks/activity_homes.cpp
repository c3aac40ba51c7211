// SPDX-License-Identifier: MIT
#include "supervisor/tasks/activity_homes.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <string>
#include <utility>

#include "shared/child_needs.hpp"
#include "shared/module_loader.hpp"
#include "supervisor/children/placement.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace {

constexpr auto kWatched = std::chrono::seconds(3);
constexpr auto kShrinkAgain = std::chrono::milliseconds(100);

// Of those activities that have their home in children and are `meant`.
template <class Meant>
std::string names_in_children(const Module& module, temporal::Executor plain, const Meant& meant) {
  std::string names;
  auto add = [&](const std::string& name, const detail::ActivityDefinition& activity) {
    if (home_of(activity, plain) == temporal::Executor::child && meant(activity))
      names += (names.empty() ? "" : ", ") + name;
  };
  for (const auto& [name, activity] : module.activities()) add(name, activity);
  if (const auto* catch_all = module.catch_all()) add("the catch-all", *catch_all);
  return names;
}

bool calls_locally(const Options& options, const Module& module) {
  return module.has_workflows() && !options.activities_only;
}

// By something that a process has as a whole, so that of tasks that share one it is nobody's.
bool limits_its_process(const detail::ActivityDefinition& activity) {
  const auto& limits = activity.limits;
  return limits.memory > 0 || limits.cpu_time.count() > 0 || limits.open_files > 0 ||
         limits.processes > 0 || limits.oom_score_adj > 0 || limits.cancel_grace;
}

// To children, by coroutines or by workflows.
bool hands_over(const Options& options, const Module& module) {
  if (options.offload_children == 0) return false;
  const bool in_child = has_home(module, temporal::Executor::loop, options.activity_executor) &&
                        !module.offloaded().empty();
  const bool locally = calls_locally(options, module) &&
                       has_home(module, temporal::Executor::child, options.activity_executor);
  return in_child || locally;
}

// For tasks that are polled for.
int polled_children(const Options& options) {
  return options.no_remote_activities ? 0 : options.children;
}

int most_polled_children(const Options& options) {
  return options.no_remote_activities ? 0 : std::max(options.children, options.children_max);
}

}  // namespace

int most_child_places(const Options& options, const Module& module) {
  const bool plain = has_home(module, temporal::Executor::child, options.activity_executor);
  const int each = options.tasks_per_child;
  // What is handed over takes places, and whole processes are forked for them.
  const int offloaded = (options.offload_children + each - 1) / each * each;
  return (plain ? most_polled_children(options) * each : 0) +
         (hands_over(options, module) ? offloaded : 0);
}

ActivityHomes::ActivityHomes(asio::any_io_executor core, const Options& options,
                             const Module& module, Watchdog& watchdog, Logger& log)
    : core_(std::move(core)),
      options_(options),
      module_(module),
      watchdog_(watchdog),
      log_(log),
      children_(has_home(module, temporal::Executor::child, options.activity_executor)),
      threads_(has_home(module, temporal::Executor::threads, options.activity_executor)),
      loops_(has_home(module, temporal::Executor::loop, options.activity_executor)),
      offload_(hands_over(options, module)) {
  if (children_ && options.children == 0 && !options.no_remote_activities)
    throw SettingsError(
        "--children 0 leaves no place for the plain-function activities " +
        names_in_children(module, options.activity_executor, [](const auto&) { return true; }) +
        ": allow children, put them on threads with --activity-executor threads, or make them "
        "coroutines");
  const auto limited = names_in_children(module, options.activity_executor, limits_its_process);
  if (options.tasks_per_child > 1 && !limited.empty())
    throw SettingsError("--tasks-per-child " + std::to_string(options.tasks_per_child) +
                        " leaves activities without limits that only a process of their own can "
                        "be held to: " +
                        limited + "; serve them by a worker of their own, or leave the limits out");
}

// An object may hold sockets of a loop: it ends after the loop's last step, and before the loop.
ActivityHomes::~ActivityHomes() {
  watches_.clear();
  if (loop_threads_) loop_threads_->join();
  activity_threads_.reset();
  callbacks_.reset();
  aside_.reset();
  objects_.destroy();
}

asio::awaitable<void> ActivityHomes::start(children::ZygoteProgram program,
                                           std::shared_ptr<children::DelegatedCgroup> cgroups) {
  if (threads_ || loops_) aside_.emplace("aside", options_.activity_threads);
  if (aside_) co_await build_objects();
  if (needs_children()) co_await start_children(std::move(program), std::move(cgroups));
  warn_of_unused_places();
  if (threads_) start_threads();
  if (!loops_) co_return;
  start_loops();
  // The watchdog reads symbols first: a coroutine that blocks at once would not be seen.
  const auto give_up = std::chrono::steady_clock::now() + kWatched;
  while (options_.loop_stall.count() > 0 && std::chrono::steady_clock::now() < give_up &&
         !std::ranges::all_of(watches_, &Watchdog::Watch::answered))
    co_await pause(std::chrono::milliseconds(5));
}

// A constructor may take its time, and it is not the core loop's. A start that is given up meanwhile
// leaves it to its thread: threads_busy() says so.
asio::awaitable<void> ActivityHomes::build_objects() {
  struct Building {
    explicit Building(const asio::any_io_executor& core) : over(core) {}
    Wakeup over;
    bool done = false;
    std::exception_ptr error;
  };
  const auto building = std::make_shared<Building>(core_);
  std::function<void()> work = [this, building] {
    std::exception_ptr error;
    try {
      objects_.build(module_, Process::supervisor, options_.activity_executor);
    } catch (...) {
      error = std::current_exception();
    }
    asio::post(core_, [building, error] {
      building->error = error;
      building->done = true;
      building->over.notify();
    });
  };
  aside_->submit(std::move(work));
  while (!building->done) co_await building->over.wait();
  if (building->error) std::rethrow_exception(building->error);
}

std::vector<int> ActivityHomes::cores_to_pin_to() const {
  auto cores = children::allowed_cores();
  if (!options_.cores.empty())
    std::erase_if(cores, [this](int core) {
      return std::ranges::find(options_.cores, core) == options_.cores.end();
    });
  if (cores.empty())
    log_.warn(
        "this process may use none of the cores that its children are to be bound to, or the "
        "system does not say; they run where they may");
  return cores;
}

asio::awaitable<void> ActivityHomes::start_children(
    children::ZygoteProgram program, std::shared_ptr<children::DelegatedCgroup> cgroups) {
  child_places_.emplace(core_, 0);
  children::PoolOptions pool;
  wanted_children_ = children_ ? polled_children(options_) : 0;
  static_assert(kMostTasksPerChild <= children::kMostPlaces);
  pool.child.places = options_.tasks_per_child;
  pool.children = wanted_children_ * options_.tasks_per_child;
  pool.most_children = (children_ ? most_polled_children(options_) : 0) * options_.tasks_per_child;
  pool.offload_children = offload_ ? options_.offload_children : 0;
  pool.program = std::move(program);
  pool.program.exec_children = options_.exec_children;
  pool.program.plain_on_threads = options_.activity_executor == temporal::Executor::threads;
  pool.program.needs = needs_of(module_, options_.activity_executor, offload_);
  pool.fingerprint = fingerprint(module_);
  pool.child.nice = options_.child_nice;
  pool.child.largest_bulk = options_.max_bulk;
  pool.child.term_grace = options_.term_grace;
  pool.child.memory = options_.child_memory;
  pool.child.cgroups = std::move(cgroups);
  if (options_.pin || !options_.cores.empty()) pool.cores = cores_to_pin_to();
  pool.recycling = {.max_tasks = options_.child_max_tasks,
                    .max_age = options_.child_max_age,
                    .max_rss = options_.child_max_rss};
  pool.name_stack = [this](std::vector<std::uintptr_t> frames,
                           std::function<void(children::NamedStack)> done) {
    watchdog_.name_crash(std::move(frames),
                         // What `done` holds is the core loop's to let go of.
                         [core = core_, done = std::make_shared<decltype(done)>(std::move(done))](
                             PrintedStack stack) mutable {
                           asio::post(core, [done = std::move(done), stack = std::move(stack)] {
                             (*done)({stack.lines, stack.where});
                           });
                         });
  };
  pool_ = std::make_unique<children::ChildPool>(core_, std::move(pool), log_);
  pool_->on_capacity_change = [this] { child_places_->set_capacity(child_places()); };
  co_await pool_->start();
  child_places_->set_capacity(child_places());
  child_executor_.emplace(*pool_, options_.task_queue, log_);
  if (children_) child_home_.emplace(Home{*child_executor_, *child_places_});
}

int ActivityHomes::most_wanted_places() const {
  return std::max(wanted_children_, options_.children_max) * options_.tasks_per_child;
}

int ActivityHomes::child_places() const {
  return std::min(pool_->capacity(), most_wanted_places());
}

void ActivityHomes::set_children(int count) {
  wanted_children_ = count;
  follow_wanted();
}

// A poll cannot be recalled: what it may bring was promised a child before it was sent.
void ActivityHomes::follow_wanted() {
  const int wanted = wanted_children_ * options_.tasks_per_child;
  const int most = most_wanted_places();
  const int promised = std::max(most, child_places_->taken());
  pool_->set_children(most > wanted ? wanted : promised, promised);
  child_places_->set_capacity(child_places());
  shrinking_.reset();
  if (promised == most) return;
  shrinking_.emplace(core_, kShrinkAgain);
  shrinking_->async_wait([this](boost::system::error_code error) {
    if (!error) follow_wanted();
  });
}

// Who asked for more than the default expects them to be used.
void ActivityHomes::warn_of_unused_places() const {
  const int asked = options_.max_concurrent_activities;
  const bool only_children = children_ && !threads_ && !loops_;
  const int most = most_polled_children(options_) * options_.tasks_per_child;
  if (!only_children || asked <= most || asked == Options{}.max_concurrent_activities) return;
  log_.warn(
      "--max-concurrent-activities asks for more than there are children: no task is taken that "
      "could not start; raise --children, or --children-max, to run more at once",
      {{"max_concurrent_activities", asked}, {"children", most}});
}

void ActivityHomes::start_threads() {
  // What workflows call waits for no thread that polled tasks have.
  const int locals =
      calls_locally(options_, module_) ? options_.max_concurrent_local_activities : 0;
  activity_threads_.emplace("act", options_.activity_threads + locals);
  thread_places_.emplace(core_,
                         std::min(options_.activity_threads, options_.max_concurrent_activities));
  callbacks_.emplace("stop", options_.activity_threads);
  thread_executor_.emplace(module_, *activity_threads_, *callbacks_, log_, options_.task_queue);
  thread_home_.emplace(Home{*thread_executor_, *thread_places_});
}

void ActivityHomes::start_loops() {
  loop_offload_.emplace(core_, offload_ ? &*child_executor_ : nullptr, *aside_);
  loop_threads_.emplace(options_.loop_threads);
  for (const auto& loop : loop_threads_->all()) {
    asio::post(loop, [this] { activity::detail::set_offload(&*loop_offload_); });
    watches_.push_back(
        watchdog_.watch("loop-" + std::to_string(watches_.size()), Watchdog::LoopKind::user, loop));
  }
  loop_places_.emplace(core_, options_.max_concurrent_activities);
  loop_executor_.emplace(module_, *loop_threads_, log_, options_.task_queue);
  loop_home_.emplace(Home{*loop_executor_, *loop_places_});
}

void ActivityHomes::give_client(activity::detail::ClientBackend& client) {
  if (!loop_threads_) return;
  for (const auto& loop : loop_threads_->all())
    asio::post(loop, [&client] { activity::detail::set_client_backend(&client); });
}

Homes ActivityHomes::table() {
  Homes homes{};
  const auto set = [&](temporal::Executor which, std::optional<Home>& home) {
    if (home) homes[static_cast<std::size_t>(which)] = &*home;
  };
  set(temporal::Executor::child, child_home_);
  set(temporal::Executor::threads, thread_home_);
  set(temporal::Executor::loop, loop_home_);
  return homes;
}

Executors ActivityHomes::executors() {
  Executors executors{};
  const auto set = [&](temporal::Executor which, auto& executor) {
    if (executor) executors[static_cast<std::size_t>(which)] = &*executor;
  };
  set(temporal::Executor::child, child_executor_);
  set(temporal::Executor::threads, thread_executor_);
  set(temporal::Executor::loop, loop_executor_);
  return executors;
}

bool ActivityHomes::threads_busy() const {
  const auto busy = [](const auto& threads) { return threads && threads->busy() > 0; };
  return busy(activity_threads_) || busy(aside_) || busy(callbacks_);
}

}  // namespace temporal::supervisor
