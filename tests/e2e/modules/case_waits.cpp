// SPDX-License-Identifier: MIT
// Activities that wait: a plain function by blocking, its coroutine on a timer.
#include "tests/e2e/modules/case_waits.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>
#include <stdexcept>

using namespace std::chrono_literals;
using temporal::to_payload;

asio::awaitable<void> rest(std::chrono::milliseconds how_long) {
  asio::steady_timer timer(co_await asio::this_coro::executor, how_long);
  co_await timer.async_wait(asio::use_awaitable);
}

void leave_file(const fs::path& file, const std::string& content) {
  std::ofstream(file.string() + ".new", std::ios::binary) << content;
  fs::rename(file.string() + ".new", file);
}

namespace {

void await_file(activity::Context& ctx, const fs::path& file) {
  while (!fs::exists(file)) {
    ctx.throw_if_cancelled();
    ctx.wait_cancelled(5ms);
  }
}
asio::awaitable<void> await_file_later(const fs::path& file) {
  while (!fs::exists(file)) co_await rest(5ms);
}

std::string told(activity::Context& ctx, const std::string& then) {
  ctx.log().info("told to stop", {{"why", temporal::to_string(ctx.cancel_reason().value())}});
  if (then == "keep") return "kept";
  throw temporal::Cancelled("stopped", {to_payload(std::string("cleaned up"))});
}

std::string attempt_of(activity::Context& ctx) {
  return "attempt " + std::to_string(ctx.info().attempt);
}

}  // namespace

// --- cancellation: `then` is "keep" to return a value all the same, "throw" to let it through ---

std::string beat_until_told(activity::Context& ctx, std::string then) {
  if (ctx.info().attempt > 1) return attempt_of(ctx);
  try {
    for (int round = 1;; ++round) {
      ctx.heartbeat(round);
      ctx.wait_cancelled(10ms);
    }
  } catch (const temporal::Cancelled&) {
  }
  return told(ctx, then);
}
asio::awaitable<std::string> beat_until_told_later(activity::Context& ctx, std::string then) {
  if (ctx.info().attempt > 1) co_return attempt_of(ctx);
  try {
    for (int round = 1;; ++round) {
      ctx.heartbeat(round);
      co_await rest(10ms);
    }
  } catch (const temporal::Cancelled&) {
  } catch (const boost::system::system_error&) {
  }
  co_return told(ctx, then);
}

// Looks at cancelled(), and does not heed what a heartbeat throws.
std::string look_until_told(activity::Context& ctx, std::string then) {
  while (!ctx.cancelled()) {
    try {
      ctx.heartbeat();
    } catch (const temporal::Cancelled&) {
    }
    ctx.wait_cancelled(10ms);
  }
  return told(ctx, then);
}
asio::awaitable<std::string> look_until_told_later(activity::Context& ctx, std::string then) {
  while (!ctx.cancelled()) {
    try {
      ctx.heartbeat();
      co_await rest(10ms);
    } catch (const temporal::Cancelled&) {
    } catch (const boost::system::system_error&) {
    }
  }
  co_return told(ctx, then);
}

// Never beats: only the worker itself can tell it that its time is over.
std::string wait_until_told(activity::Context& ctx, std::string then) {
  ctx.wait_cancelled(1h);
  return told(ctx, then);
}
asio::awaitable<std::string> wait_until_told_later(activity::Context& ctx, std::string then) {
  try {
    co_await rest(1h);
  } catch (const boost::system::system_error&) {
  }
  co_return told(ctx, then);
}

// --- the stop of the worker ---

// Until the notice, by looking or by waiting for it; longer than a minute is a mistake.
std::string until_the_notice(activity::Context& ctx, std::string how) {
  ctx.heartbeat(1);
  if (how == "wait" && !ctx.wait_worker_shutdown(60s)) return "no notice";
  while (!ctx.worker_shutdown()) ctx.wait_cancelled(5ms);
  ctx.heartbeat(2);  // a notice is no cancellation
  return ctx.cancelled() ? "cancelled" : "finished early";
}
asio::awaitable<std::string> until_the_notice_later(activity::Context& ctx, std::string how) {
  ctx.heartbeat(1);
  bool noticed = true;
  if (how == "wait") noticed = co_await ctx.async_wait_worker_shutdown(60s);
  if (!noticed) co_return "no notice";
  while (!ctx.worker_shutdown()) co_await rest(5ms);
  ctx.heartbeat(2);
  co_return ctx.cancelled() ? "cancelled" : "finished early";
}

// --- heartbeats ---

// 1; 2 and 3 when there is a file `go`; 4 just before it fails. The next attempt says what it read.
int beat_in_steps(activity::Context& ctx, std::string folder) {
  if (auto last = ctx.last_heartbeat<int>()) return *last;
  ctx.heartbeat(1);
  await_file(ctx, fs::path(folder) / "go");
  ctx.heartbeat(2);
  ctx.heartbeat(3);
  await_file(ctx, fs::path(folder) / "fail");
  ctx.heartbeat(4);
  throw std::runtime_error("the first attempt fails");
}
asio::awaitable<int> beat_in_steps_later(activity::Context& ctx, std::string folder) {
  if (auto last = ctx.last_heartbeat<int>()) co_return *last;
  const auto go = fs::path(folder) / "go";
  const auto fail = fs::path(folder) / "fail";
  ctx.heartbeat(1);
  co_await await_file_later(go);
  ctx.heartbeat(2);
  ctx.heartbeat(3);
  co_await await_file_later(fail);
  ctx.heartbeat(4);
  throw std::runtime_error("the first attempt fails");
}

// --- who else runs ---

namespace {

bool is_guest(const fs::directory_entry& entry) {
  return entry.path().filename().string().starts_with("guest-");
}

// One file for each that is here. How many those are, this one included.
class Guest {
 public:
  Guest(activity::Context& ctx, const std::string& folder)
      : file_(fs::path(folder) / ("guest-" + ctx.info().workflow_id)) {
    std::ofstream(file_).flush();
    count_ = static_cast<int>(
        std::count_if(fs::directory_iterator(folder), fs::directory_iterator(), is_guest));
  }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  ~Guest() { fs::remove(file_); }
  [[nodiscard]] int count() const { return count_; }

 private:
  fs::path file_;
  int count_ = 0;
};

}  // namespace

// Stays until there is a file `release`.
int count_guests(activity::Context& ctx, std::string folder) {
  const Guest guest(ctx, folder);
  await_file(ctx, fs::path(folder) / "release");
  return guest.count();
}
asio::awaitable<int> count_guests_later(activity::Context& ctx, std::string folder) {
  const Guest guest(ctx, folder);
  const auto release = fs::path(folder) / "release";
  co_await await_file_later(release);
  co_return guest.count();
}

// --- what is known of this attempt ---

namespace {

nlohmann::json seconds_of(temporal::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

nlohmann::json all_of(const activity::Info& info) {
  nlohmann::json headers = nlohmann::json::object();
  for (const auto& [key, payload] : info.headers) headers[key] = payload.data;
  return {{"activity_id", info.activity_id},
          {"activity_type", info.activity_type},
          {"workflow_id", info.workflow_id},
          {"run_id", info.run_id},
          {"workflow_type", info.workflow_type},
          {"workflow_namespace", info.workflow_namespace},
          {"task_queue", info.task_queue},
          {"has_token", !info.task_token.empty()},
          {"attempt", info.attempt},
          {"scheduled_time", info.scheduled_time.time_since_epoch().count()},
          {"current_attempt_scheduled_time",
           info.current_attempt_scheduled_time.time_since_epoch().count()},
          {"started_time", info.started_time.time_since_epoch().count()},
          {"deadline", info.deadline.time_since_epoch().count()},
          {"schedule_to_close", seconds_of(info.schedule_to_close_timeout)},
          {"start_to_close", seconds_of(info.start_to_close_timeout)},
          {"heartbeat", seconds_of(info.heartbeat_timeout)},
          {"initial_interval", seconds_of(info.retry.initial_interval)},
          {"backoff_coefficient", info.retry.backoff_coefficient},
          {"maximum_interval", seconds_of(info.retry.maximum_interval)},
          {"maximum_attempts", info.retry.maximum_attempts},
          {"non_retryable", info.retry.non_retryable},
          {"priority_key", info.priority.key},
          {"fairness_key", info.priority.fairness_key},
          {"fairness_weight", info.priority.fairness_weight},
          {"headers", headers},
          {"is_local", info.is_local},
          {"pid", getpid()}};
}

}  // namespace

// In its second attempt; stays until there is a file `release`.
void tell_all(activity::Context& ctx, std::string folder) {
  if (ctx.info().attempt == 1) throw std::runtime_error("the first attempt fails");
  ctx.heartbeat(all_of(ctx.info()));
  await_file(ctx, fs::path(folder) / "release");
}
asio::awaitable<void> tell_all_later(activity::Context& ctx, std::string folder) {
  if (ctx.info().attempt == 1) throw std::runtime_error("the first attempt fails");
  const auto release = fs::path(folder) / "release";
  ctx.heartbeat(all_of(ctx.info()));
  co_await await_file_later(release);
}

// --- a cancellation that comes too late ---

// One beat when there is a file `release`, and it is over.
void beat_and_leave(activity::Context& ctx, std::string folder) {
  await_file(ctx, fs::path(folder) / "release");
  try {
    ctx.heartbeat(1);
  } catch (const temporal::Cancelled&) {
  }
}
bool cancelled_within(activity::Context& ctx, int ms) {
  return ctx.wait_cancelled(std::chrono::milliseconds(ms));
}

void register_waits(temporal::Module& m) {
  m.activity<beat_until_told>();
  m.activity<beat_until_told_later>();
  m.activity<look_until_told>();
  m.activity<look_until_told_later>();
  m.activity<wait_until_told>();
  m.activity<wait_until_told_later>();
  m.activity<until_the_notice>();
  m.activity<until_the_notice_later>();
  m.activity<beat_in_steps>();
  m.activity<beat_in_steps_later>();
  m.activity<count_guests>();
  m.activity<count_guests_later>();
  m.activity<tell_all>();
  m.activity<tell_all_later>();
  m.activity<beat_and_leave>();
  m.activity<cancelled_within>();
}
