// SPDX-License-Identifier: MIT
// Plain functions: what users write, and what happens to their processes.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
namespace activity = temporal::activity;
namespace fs = std::filesystem;

namespace {

// One file per process that is here: others see that the activity has begun, and where.
void sign_in(const std::string& folder) {
  const auto name = fs::path(folder) / std::to_string(getpid());
  std::ofstream(name.string() + ".new") << getpid();
  fs::rename(name.string() + ".new", name);
}

long signed_in(const std::string& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

}  // namespace

struct Meeting {
  std::string folder;
  int count = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Meeting, folder, count)

std::string say_hello(std::string name) { return "Hello, " + name + "!"; }

void no_op() {}

int own_pid() { return getpid(); }

// Returns when `count` processes are here at the same time.
int meet(activity::Context& ctx, Meeting meeting) {
  sign_in(meeting.folder);
  while (signed_in(meeting.folder) < meeting.count) {
    ctx.heartbeat();
    ctx.wait_cancelled(5ms);
  }
  return getpid();
}

void refuse_as_expected() {
  throw temporal::ApplicationError("nothing to do", {.type = "NothingToDo", .benign = true});
}

// Measures pages, and holds until it is released.
std::string render(activity::Context& ctx, std::string folder) {
  auto& metrics = ctx.metrics();
  for (int page = 0; page < 1000; ++page) {
    metrics.counter("test_pages", 1, {{"format", "pdf"}});
    metrics.histogram("test_page_bytes", page);
  }
  metrics.gauge("test_queue_length", 7);
  metrics.counter("temporal_activity_task_received");
  metrics.counter("test_bad_label", 1, {{"where", "\xff"}});
  ctx.log().warn("rendered \xff", {{"pages", 1000}});
  ctx.log().info(std::string(8191, 'x') + "\u00e9");
  if (folder.empty()) return "rendered";
  sign_in(folder);
  while (!fs::exists(fs::path(folder) / "release")) ctx.wait_cancelled(10ms);
  return "rendered";
}

// Counts once, then dies.
void measure_and_die(activity::Context& ctx) {
  ctx.metrics().counter("test_last_words");
  ::kill(getpid(), SIGKILL);
}

// Until somebody puts a file named `release` there, or it is cancelled.
std::string hold(activity::Context& ctx, std::string folder) {
  sign_in(folder);
  while (!fs::exists(fs::path(folder) / "release")) {
    ctx.heartbeat();
    ctx.wait_cancelled(10ms);
  }
  return "released in attempt " + std::to_string(ctx.info().attempt);
}

[[gnu::noinline]] void store_nowhere() {
  static int* volatile nowhere = nullptr;
  *nowhere = 1;
}

[[gnu::noinline]] int recurse(volatile char* caller) {
  volatile char frame[1024];
  frame[0] = caller[0];
  return recurse(frame) + frame[0];
}

int nap(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return milliseconds;
}

void crash_always() { store_nowhere(); }

// Dies in its first attempt.
std::string die_once(activity::Context& ctx, std::string how) {
  if (ctx.info().attempt > 1) return "attempt " + std::to_string(ctx.info().attempt);
  if (how == "segv") std::raise(SIGSEGV);
  if (how == "null") store_nowhere();
  volatile char first[1]{};
  if (how == "overflow") return std::to_string(recurse(first));
  if (how == "thread") std::thread([] { throw std::runtime_error("out of paper"); }).join();
  if (how == "abort") std::abort();
  if (how == "exit") std::exit(1);
  if (how == "exec") {
    ::execl("/nowhere/program", "program", nullptr);
    ::_exit(127);  // as a shell says it
  }
  if (how == "kill") ::kill(getpid(), SIGKILL);
  throw std::invalid_argument("no such way to die: " + how);
}

// Says how far it came, then dies; the next attempt reads it.
int resume(activity::Context& ctx) {
  if (auto last = ctx.last_heartbeat<int>()) return *last;
  ctx.heartbeat(40);
  ctx.heartbeat(41);
  return ::kill(getpid(), SIGKILL);
}

// Deaf to everything but SIGKILL.
void ignore_everything(activity::Context&, std::string folder) {
  std::signal(SIGTERM, SIG_IGN);
  sign_in(folder);
  for (;;) pause();
}

// Hears of its cancellation, and runs on.
void hear_and_run_on(activity::Context& ctx, std::string folder) {
  sign_in(folder);
  for (;;) {
    try {
      ctx.heartbeat();
    } catch (const temporal::Cancelled&) {
      std::ofstream(fs::path(folder) / "heard").flush();
    }
    std::this_thread::sleep_for(1ms);
  }
}

namespace {

volatile std::sig_atomic_t terminated = 0;

long now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

// Heeds nothing, and notes in a file when it was told what.
void note_each_step(activity::Context& ctx, std::string file) {
  std::signal(SIGTERM, [](int) { terminated = 1; });
  std::ofstream notes(file);
  bool noticed = false, cancelled = false, asked = false;
  const auto note = [&](const char* step, bool now, bool& before) {
    if (now && !std::exchange(before, true)) notes << step << " " << now_ms() << std::endl;
  };
  for (;;) {
    note("notice", ctx.worker_shutdown(), noticed);
    note("cancel", ctx.cancelled(), cancelled);
    note("SIGTERM", terminated, asked);
    std::this_thread::sleep_for(1ms);
  }
}

void activities(temporal::Module& m) {
  m.activity<say_hello>();
  m.activity<no_op>();
  m.activity<own_pid>();
  m.activity<meet>();
  m.activity<hold>();
  m.activity<refuse_as_expected>();
  m.activity<render>();
  m.activity<measure_and_die>();
  m.activity<nap>();
  m.activity<crash_always>();
  m.activity<die_once>();
  m.activity<resume>();
  m.activity<ignore_everything>();
  m.activity<note_each_step>();
  m.activity<hear_and_run_on>();
}
TEMPORAL_EXPORT_MODULE(activities);
