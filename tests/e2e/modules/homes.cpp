// SPDX-License-Identifier: MIT
// Objects, hooks, what coroutines hand over, and what goes wrong in each home.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace activity = temporal::activity;
namespace fs = std::filesystem;

namespace {
int preloaded_in = 0;
int started_in = 0;
}  // namespace

// Counts its calls; an object of a process.
class Visitors {
 public:
  explicit Visitors(std::string greeting) : greeting_(std::move(greeting)) {}

  std::string greet(std::string name) {
    return greeting_ + ", " + name + ", number " + std::to_string(++calls_);
  }
  asio::awaitable<std::string> greet_later(std::string name) {
    asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
    co_await timer.async_wait(asio::use_awaitable);
    co_return greet(name);
  }

 private:
  std::string greeting_;
  std::atomic<int> calls_ = 0;
};

// What another module's workflow listens to.
struct Post {
  void post(std::string) {}
  void close() {}
};

std::string where_hooks_ran() {
  return preloaded_in != getpid() && preloaded_in != 0 && started_in == getpid() ? "as promised"
                                                                                 : "elsewhere";
}

// Its stop callback runs when it is cancelled.
std::string until_stopped(activity::Context& ctx, std::string) {
  std::atomic<bool> called = false;
  std::stop_callback callback(ctx.stop_token(), [&] { called = true; });
  while (!ctx.cancelled()) {
    try {
      ctx.heartbeat();
    } catch (const temporal::Cancelled&) {
    }
    ctx.wait_cancelled(10ms);
  }
  while (!called) std::this_thread::yield();
  throw temporal::Cancelled("stopped", {temporal::to_payload(std::string("called back"))});
}

void crash_here(std::string) { std::raise(SIGSEGV); }
asio::awaitable<void> crash_here_later(std::string name) {
  crash_here(name);
  co_return;
}

// A loop that nobody gets in between: for `ms` of its own.
void spin_for(int ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (std::chrono::steady_clock::now() < end) {
  }
}
// The same by its own clock of work, and it tells by a file when it is half done.
asio::awaitable<void> burn_on_the_loop(int ms, std::string file) {
  const auto worked = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  const auto begin = worked();
  const auto until = [&](std::chrono::milliseconds part) {
    while (worked() - begin < part) {
    }
  };
  until(std::chrono::milliseconds(ms / 2));
  std::ofstream{file};
  until(std::chrono::milliseconds(ms));
  co_return;
}
asio::awaitable<int> hog_it(int ms) {
  spin_for(ms);
  co_return ms;
}
asio::awaitable<int> hog_the_loop(int ms) { co_return co_await hog_it(ms); }
asio::awaitable<int> spare_the_loop(int ms) {
  co_await activity::to_thread([&] { spin_for(ms); });
  co_return ms;
}

std::string pid_and_attempt(activity::Context& ctx, std::string what) {
  ctx.heartbeat(what);
  return std::to_string(getpid()) + " " + ctx.info().activity_type;
}
asio::awaitable<std::string> handed_over(activity::Context& ctx) {
  std::string what = "from the child";
  co_return co_await activity::in_child<pid_and_attempt>(ctx, what);
}

int die_in_child(int signal) {
  ::kill(getpid(), signal);
  return 0;
}
// The coroutine survives what it handed over.
asio::awaitable<std::string> survive() {
  try {
    co_await activity::in_child<die_in_child>(SIGKILL);
  } catch (const temporal::ApplicationError& error) {
    co_return error.type();
  }
  co_return "nobody died";
}

// Deaf to everything but SIGKILL, and it asks for no Context.
int decode_for_ever() {
  std::signal(SIGTERM, SIG_IGN);
  for (;;) pause();
}
asio::awaitable<int> decode_what_never_ends() {
  co_return co_await activity::in_child<decode_for_ever>();
}

// Beats, then heeds nothing: it holds its thread, or its loop.
void beat_and_hang(activity::Context& ctx) {
  for (int round = 1;; ++round) {
    try {
      ctx.heartbeat(round);
    } catch (const temporal::Cancelled&) {
    }
    std::this_thread::sleep_for(20ms);
  }
}
asio::awaitable<void> beat_and_hang_later(activity::Context& ctx) {
  beat_and_hang(ctx);
  co_return;
}

void beat_unheard(activity::Context& ctx) {
  try {
    ctx.heartbeat(1);
  } catch (const temporal::Cancelled&) {
  }
}

// A section that a cancellation must not cut: ten steps more when it is there.
struct Section {
  int steps_after = 0;
  bool done(activity::Context& ctx) {
    beat_unheard(ctx);
    steps_after += ctx.cancelled();
    return steps_after == 10;
  }
  void end() const {
    throw temporal::Cancelled(
        "stopped", {temporal::to_payload(std::to_string(steps_after) + " steps after it")});
  }
};
void shield_a_section(activity::Context& ctx, std::string) {
  Section section;
  while (!section.done(ctx)) ctx.wait_cancelled(5ms);
  section.end();
}
// Here a cancellation comes to where the coroutine waits, unless it says that it must not.
asio::awaitable<void> shield_a_section_later(activity::Context& ctx, std::string) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  asio::steady_timer timer(co_await asio::this_coro::executor);
  Section section;
  while (!section.done(ctx)) {
    timer.expires_after(5ms);
    co_await timer.async_wait(asio::use_awaitable);
  }
  section.end();
}

void beat_in_child(activity::Context& ctx) {
  for (int round = 1; !ctx.cancelled(); ++round) {
    try {
      ctx.heartbeat(round);
    } catch (const temporal::Cancelled&) {
    }
    ctx.wait_cancelled(10ms);
  }
  throw temporal::Cancelled("stopped", {temporal::to_payload(std::string("in the child"))});
}
asio::awaitable<void> handed_over_for_ever(activity::Context& ctx, std::string) {
  co_await activity::in_child<beat_in_child>(ctx);
}

// What its caller attached, if anything.
std::string header_of(activity::Context& ctx) {
  const auto found = ctx.info().headers.find("trace-id");
  return found == ctx.info().headers.end() ? "none"
                                           : temporal::from_payload<std::string>(found->second);
}

// Carries the caller's trace id to where no Context is at hand.
class Tracing final : public activity::Interceptor {
 public:
  temporal::Payload execute(activity::Context& ctx, temporal::Payloads arguments,
                            const Next& next) override {
    trace_id = header_of(ctx);
    auto result = next(std::move(arguments));
    trace_id.clear();
    return result;
  }
  // Steps of several coroutines take turns on a thread: here it travels as an argument.
  asio::awaitable<temporal::Payload> execute(activity::Context& ctx, temporal::Payloads arguments,
                                             const NextOnLoop& next) override {
    if (ctx.info().activity_type == "trace_id_later")
      arguments = {temporal::to_payload(header_of(ctx))};
    co_return co_await next(std::move(arguments));
  }
  static thread_local std::string trace_id;
};
thread_local std::string Tracing::trace_id;

std::string trace_id() { return Tracing::trace_id; }
asio::awaitable<std::string> trace_id_later(std::string trace_id) { co_return trace_id; }

// Starts another workflow, tells it something, waits for what it makes of it.
asio::awaitable<std::vector<std::string>> ask_the_mailbox(activity::Context& ctx) {
  auto client = activity::client();
  const std::string id = ctx.info().workflow_id + "-mailbox", queue = ctx.info().task_queue;
  auto mailbox = co_await client.start<std::vector<std::string>>(
      "Mailbox", temporal::StartOptions{.id = id, .task_queue = queue});
  co_await mailbox.signal<&Post::post>(std::string("a letter"));
  co_await mailbox.signal<&Post::close>();
  co_return co_await mailbox.result();
}
std::string start_in_child() {
  activity::client();
  return "started";
}

asio::awaitable<int> throw_on_thread() {
  co_return co_await activity::to_thread([]() -> int { throw std::out_of_range("no such line"); });
}

// Is this process open to others of its user?
int dumpable() { return prctl(PR_GET_DUMPABLE); }

// What became of opening it: 0, or an errno.
int open_file(std::string path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

void homes(temporal::Module& m) {
  m.preload([] { preloaded_in = getpid(); });
  m.on_child_start([] { started_in = getpid(); });
  auto visitors = m.object<Visitors>("Welcome");
  m.activity<&Visitors::greet>(visitors);
  m.activity<&Visitors::greet>(
      visitors, {.name = "greet_on_a_thread", .executor = temporal::Executor::threads});
  m.activity<&Visitors::greet_later>(visitors);
  m.activity<where_hooks_ran>();
  m.activity<until_stopped>();
  m.activity<until_stopped>(
      {.name = "until_stopped_on_a_thread", .executor = temporal::Executor::threads});
  m.activity<crash_here>();
  m.activity<crash_here_later>();
  m.activity<burn_on_the_loop>();
  m.activity<hog_the_loop>();
  m.activity<spare_the_loop>();
  m.activity<beat_in_child>();
  m.activity<shield_a_section>();
  m.activity<shield_a_section_later>();
  m.activity<ask_the_mailbox>();
  m.activity<start_in_child>();
  m.activity<trace_id>();
  m.activity<trace_id_later>();
  m.intercept(std::make_shared<Tracing>());
  m.activity<handed_over>();
  m.activity<survive>();
  m.activity<handed_over_for_ever>();
  m.activity<beat_and_hang>();
  m.activity<beat_and_hang_later>();
  m.activity<decode_what_never_ends>();
  m.activity<throw_on_thread>();
  m.activity<dumpable>();
  m.activity<dumpable>({.name = "dumpable_on_a_thread", .executor = temporal::Executor::threads});
  m.activity<open_file>();
}
TEMPORAL_EXPORT_MODULE(homes);
