// SPDX-License-Identifier: MIT
// What an operator may ask of the process, and tell it: the verbs of control/verbs.hpp, and the signals that add and remove a
// child.
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "supervisor/children/child_pool.hpp"
#include "supervisor/control/places.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/version.hpp"

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace temporal::supervisor {

namespace {

using control::Json;
using control::Refused;

constexpr std::size_t kMostNames = 10;

Json said(std::string sentence) {
  Json answer = Json::object();
  answer["said"] = std::move(sentence);
  return answer;
}

std::string name_of(const Attempt& attempt) {
  const auto& task = attempt.task();
  auto name = task.activity_type().name() + " " + task.workflow_execution().workflow_id() + "/" +
              task.activity_id();
  if (attempt.pid() > 0) name += " (process " + std::to_string(attempt.pid()) + ")";
  return name;
}

std::string name_of_thread(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

std::vector<pid_t> own_threads() {
  std::vector<pid_t> threads;
  for (const auto& entry : fs::directory_iterator("/proc/self/task"))
    threads.push_back(std::stoi(entry.path().filename().string()));
  std::ranges::sort(threads);
  return threads;
}

// One stack after the other comes from the watchdog's thread.
struct Stacks {
  Stacks(const asio::any_io_executor& core, std::size_t threads) : left(threads), came(core) {}
  std::size_t left;
  Json threads = Json::array();
  Wakeup came;
};

}  // namespace

// A worker of a read-only file system has none, and goes on; who names a path wants one.
void Supervisor::open_control() {
  if (!signals_ && !options_.front().control_socket) return;
  const auto& path = options_.front().control_socket;
  if (path && path->empty()) return;
  try {
    control_.emplace(core_.get_executor(), path,
                     [this](Json request) { return control::answer(*this, std::move(request)); });
    log_.debug("orders are taken", {{"control_socket", control_->path().string()}});
  } catch (const control::ControlError& error) {
    if (path) throw SettingsError(std::string("--control-socket: ") + error.what());
    log_.warn(
        "this worker takes no orders (ps, top, kill): name a place for its socket with "
        "--control-socket, or off",
        {{"why", error.what()}});
  }
}

Json Supervisor::view(bool with_metrics) {
  Json queues = Json::array();
  for (auto& worker : workers_) queues.push_back(worker.view());
  const auto age = std::chrono::steady_clock::now() - born_;
  Json view = {{"pid", ::getpid()},
               {"version", kVersion},
               {"identity", options_.front().identity},
               {"address", options_.front().address},
               {"phase", !phase_.empty() ? phase_
                         : paused_       ? "paused"
                                         : "serving"},
               {"age_ms", std::chrono::duration_cast<std::chrono::milliseconds>(age).count()}};
  view["queues"] = std::move(queues);
  if (!with_metrics) return view;
  for (auto& worker : workers_) worker.show_metrics();
  view["metrics"] = registry_.json();
  return view;
}

Json Supervisor::kill(const std::string& task) {
  std::vector<Attempt*> found;
  for (const auto& worker : workers_)
    for (auto* attempt : worker.tasks_named(task)) found.push_back(attempt);
  if (found.size() > 1) {
    std::string names;
    for (std::size_t i = 0; i < std::min(found.size(), kMostNames); ++i)
      names += (i > 0 ? "; " : "") + name_of(*found[i]);
    throw Refused("'" + task + "' is the name of " + std::to_string(found.size()) +
                  " tasks, name one by WORKFLOW_ID/ACTIVITY_ID or process id: " + names +
                  (found.size() > kMostNames ? "; ..." : ""));
  }
  if (found.size() == 1) {
    const auto name = name_of(*found.front());
    if (!found.front()->kill())
      throw Refused(name +
                    " has no process of its own to end: it runs in the worker; cancel it by the "
                    "server, or stop the worker");
    log_.warn("an operator ends a task", {{"task", name}});
    return said("SIGTERM was sent to " + name + "; SIGKILL follows after --term-grace");
  }
  pid_t pid = 0;
  for (const auto& worker : workers_)
    if (const auto* pool = worker.child_pool())
      for (const pid_t child : pool->child_pids())
        if (std::to_string(child) == task) pid = child;
  for (auto& worker : workers_)
    if (pid > 0 && worker.kill_handed_over(pid)) {
      log_.warn("an operator ends a task", {{"pid", pid}});
      return said("SIGTERM was sent to process " + task + "; SIGKILL follows after --term-grace");
    }
  throw Refused(pid > 0 ? "process " + task + " runs no task"
                        : "no task '" + task + "' runs here; ps shows those that do");
}

Json Supervisor::drain() {
  if (stop_asked_) return said("the worker is stopping already");
  log_.info("an operator drains this worker");
  ask_to_stop();
  return said(
      "no more tasks are taken; the worker ends when what runs has ended, or its grace is over");
}

Json Supervisor::pause() {
  must_serve("paused");
  if (std::exchange(paused_, true)) return said("polling is paused already");
  for (auto& worker : workers_) worker.pause_polling();
  log_.warn("an operator paused polling");
  return said("no more tasks are asked for; what runs goes on");
}

Json Supervisor::resume() {
  must_serve("resumed");
  if (!std::exchange(paused_, false)) return said("polling was not paused");
  for (auto& worker : workers_) worker.resume_polling();
  log_.info("an operator resumed polling");
  return said("tasks are asked for again");
}

void Supervisor::must_serve(const char* what) const {
  if (!phase_.empty()) throw Refused("it cannot be " + std::string(what) + " now: " + phase_);
}

Json Supervisor::set(const control::SettingRange& setting, int value,
                     const std::string& task_queue) {
  must_serve("changed");
  const std::string name(setting.name);
  std::vector<QueueWorker*> meant;
  for (auto& worker : workers_)
    if (worker.value_of(setting.setting) &&
        (task_queue.empty() || worker.task_queue() == task_queue))
      meant.push_back(&worker);
  if (meant.empty())
    throw Refused(task_queue.empty() ? "nothing that this worker serves has a use for " + name
                                     : "there is no task queue '" + task_queue +
                                           "' here that has a use for " + name);
  if (meant.size() > 1)
    throw Refused("several task queues here have " + name + ": say which by --task-queue");
  const int before = change(*meant.front(), setting, value);
  return said(name + " is " + std::to_string(value) + ", it was " + std::to_string(before) +
              (value < before ? "; what is too many ends when it has done its work" : ""));
}

int Supervisor::change(QueueWorker& worker, const control::SettingRange& setting, int value) {
  const int before = *worker.value_of(setting.setting);
  if (setting.setting == control::Setting::children && value > before) try {
      allow_descriptors((value - before) * worker.places_of_a_child());
    } catch (const SettingsError& error) {
      throw Refused(error.what());
    }
  worker.set(setting.setting, value);
  log_.info("an operator changed a setting", {{"task_queue", worker.task_queue()},
                                              {"setting", setting.name},
                                              {"value", value},
                                              {"before", before}});
  return before;
}

Json Supervisor::set_log_level(LogLevel lowest) {
  if (!set_log_level_) throw Refused("the log of this worker is not its own");
  set_log_level_(lowest);
  return said("lines from " + std::string(to_string(lowest)) + " on are logged");
}

asio::awaitable<Json> Supervisor::stack(pid_t pid) {
  auto threads = own_threads();
  if (pid != ::getpid()) {
    if (std::ranges::find(threads, pid) == threads.end())
      throw Refused(std::to_string(pid) +
                    " is neither this worker nor one of its threads; a child's stack is for a "
                    "debugger: gdb -p " +
                    std::to_string(pid) + " -batch -ex bt");
    threads = {pid};
  }
  std::erase(threads, watchdog_.thread());  // it is who looks
  if (threads.empty()) throw Refused("that is the thread that takes the stacks");
  const auto stacks = std::make_shared<Stacks>(core_.get_executor(), threads.size());
  for (const pid_t thread : threads) {
    // What `done` holds is the core loop's to let go of.
    auto done = [core = core_.get_executor(), thread, name = name_of_thread(thread),
                 stacks](std::vector<std::string> lines) mutable {
      asio::post(core, [thread, name, stacks = std::move(stacks), lines = std::move(lines)] {
        stacks->threads.push_back({{"thread", thread}, {"name", name}, {"stack", lines}});
        --stacks->left;
        stacks->came.notify();
      });
    };
    watchdog_.stack_of(thread, std::move(done));
  }
  while (stacks->left > 0) co_await stacks->came.wait();
  Json answer = Json::object();
  answer["threads"] = std::move(stacks->threads);
  co_return answer;
}

// The queues load beside each other; what one of them refuses is said with its name.
asio::awaitable<Json> Supervisor::reload_children() {
  must_serve("reloaded");
  struct Reloads {
    explicit Reloads(const asio::any_io_executor& core) : came(core) {}
    std::size_t left = 0;
    std::string refused;
    Wakeup came;
  };
  const auto reloads = std::make_shared<Reloads>(core_.get_executor());
  log_.info("an operator asks for a reload");
  for (auto& worker : workers_) {
    ++reloads->left;
    worker.reload([reloads, queue = worker.task_queue()](const std::string& refused) {
      if (!refused.empty())
        reloads->refused += (reloads->refused.empty() ? "" : "; ") + queue + ": " + refused;
      --reloads->left;
      reloads->came.notify();
    });
  }
  while (reloads->left > 0) co_await reloads->came.wait();
  if (!reloads->refused.empty()) throw Refused(reloads->refused);
  co_return said(
      "new tasks go to the modules as they are now; what runs is finished by the old ones");
}

asio::awaitable<void> Supervisor::take_resize_signals() {
  constexpr auto kChildren = control::kSettings.front();
  for (;;) {
    const int signal = co_await resize_signals_->async_wait(asio::use_awaitable);
    if (!phase_.empty()) continue;
    for (auto& worker : workers_) {
      const auto before = worker.value_of(control::Setting::children);
      if (!before) continue;
      const int wanted = *before + (signal == SIGTTIN ? 1 : -1);
      if (wanted < kChildren.least || wanted > kChildren.most) continue;
      try {
        change(worker, kChildren, wanted);
      } catch (const Refused& refused) {
        log_.warn(refused.what());
      }
    }
  }
}

}  // namespace temporal::supervisor
