// SPDX-License-Identifier: MIT
// One set of activities for every home: each exists as a plain function `f`, for a child or a
// thread, and as a coroutine `f_later`, for a loop. The two behave alike.
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <utility>

#include "tests/e2e/modules/case_waits.hpp"

using namespace std::chrono_literals;
using temporal::ApplicationError;
using temporal::to_payload;

// --- what comes back ---

std::string greet(std::string name, std::optional<int> times) {
  std::string greeting;
  for (int i = 0; i < times.value_or(1); ++i) greeting += (i ? " Hello, " : "Hello, ") + name;
  return greeting;
}

void nothing() {}

temporal::Bytes echo_bytes(temporal::Bytes bytes) { return bytes; }

temporal::Bytes copy_of_bytes(temporal::BytesView bytes) {
  return temporal::Bytes(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

temporal::Bytes make_bytes(int size) {
  return temporal::Bytes(std::string(static_cast<std::size_t>(size), 'x'));
}

std::string not_text() { return "\xff"; }

struct Desk {
  std::string name;
  explicit Desk(std::string of) : name(std::move(of)) {}
  std::string ask(std::string question) { return name + ": " + question; }
  asio::awaitable<std::string> ask_later(std::string question) {
    co_await rest(1ms);
    co_return ask(question);
  }
};

// --- what is thrown ---

void fail_nested() {
  try {
    try {
      throw std::out_of_range("the shelf is empty");
    } catch (...) {
      std::throw_with_nested(std::invalid_argument("no such item"));
    }
  } catch (...) {
    std::throw_with_nested(std::runtime_error("the order cannot be packed"));
  }
}

void fail_with_causes() {
  auto innermost = std::make_shared<ApplicationError>(
      "no power", temporal::ApplicationErrorOptions{.type = "Power"});
  auto cause = std::make_shared<ApplicationError>(
      "no answer", temporal::ApplicationErrorOptions{.type = "Terminal"},
      temporal::Payloads{to_payload(7)}, innermost);
  throw ApplicationError("declined", {.type = "CardDeclined"},
                         {to_payload(std::string("4242")), to_payload(3)}, cause);
}

void fail_with_bytes(int size) {
  throw ApplicationError("too much", {.type = "Declined"},
                         {to_payload(std::string(static_cast<std::size_t>(size), 'x'))});
}

void fail_with_int() { throw 42; }

void fail_for_good() { throw ApplicationError("no", {.type = "Never", .non_retryable = true}); }

std::string fail_for_a_while(activity::Context& ctx) {
  if (ctx.info().attempt > 1) return "attempt " + std::to_string(ctx.info().attempt);
  throw ApplicationError("not yet", {.type = "Busy", .next_retry_delay = 1'500ms});
}

void fail_as_expected() { throw ApplicationError("not yet", {.type = "Pending", .benign = true}); }

void cancel_unasked() { throw temporal::Cancelled("nobody asked"); }

// --- heartbeats ---

// Counts on from where the attempt before it was.
int count_on(activity::Context& ctx) {
  const int from = ctx.last_heartbeat<int>().value_or(0);
  if (from == 3) return from;
  ctx.heartbeat(from + 1);
  throw std::runtime_error("it was " + std::to_string(from));
}

int misread_itself(activity::Context& ctx) {
  if (ctx.info().attempt == 1) ctx.heartbeat("no number");
  return ctx.last_heartbeat<int>().value();
}

std::string beat_what_is_no_text(activity::Context& ctx) {
  if (ctx.info().attempt > 1) return "attempt " + std::to_string(ctx.info().attempt);
  ctx.heartbeat(std::string("\xff"));
  return "it was taken";
}

// --- what it is told, and what it tells ---

std::string log_a_line(activity::Context& ctx) {
  ctx.log().info("packing", {{"item", "tea"}, {"count", 2}});
  return ctx.info().activity_id;
}

// Leaves its token for whoever completes it; a second attempt ends by itself.
std::string complete_elsewhere(activity::Context& ctx, std::string folder) {
  if (ctx.info().attempt > 1)
    return "after " + std::to_string(ctx.last_heartbeat<int>().value_or(-1));
  leave_file(fs::path(folder) / "token", ctx.info().task_token);
  ctx.complete_async();
}

namespace {

template <auto F, class Sig>
struct Later;
template <auto F, class Result, class... Args>
struct Later<F, Result (*)(Args...)> {
  static asio::awaitable<Result> call(Args... args) {
    co_await rest(1ms);
    co_return F(args...);
  }
};
template <auto F, class... Args>
struct Later<F, void (*)(Args...)> {
  static asio::awaitable<void> call(Args... args) {
    co_await rest(1ms);
    F(args...);
  }
};

// Registers a function that needs no waiting as both.
template <auto F>
void both(temporal::Module& m) {
  m.activity<F>();
  const auto name = std::string(temporal::name_of<F>()) + "_later";
  m.activity<&Later<F, decltype(F)>::call>({.name = name});
}

}  // namespace

void cases(temporal::Module& m) {
  both<greet>(m);
  both<nothing>(m);
  both<echo_bytes>(m);
  both<copy_of_bytes>(m);
  both<make_bytes>(m);
  both<not_text>(m);
  auto desk = m.object<Desk>("lost and found");
  m.activity<&Desk::ask>(desk);
  m.activity<&Desk::ask_later>(desk);
  both<fail_nested>(m);
  both<fail_with_causes>(m);
  both<fail_with_bytes>(m);
  both<fail_with_int>(m);
  both<fail_for_good>(m);
  both<fail_for_a_while>(m);
  both<fail_as_expected>(m);
  both<cancel_unasked>(m);
  both<count_on>(m);
  both<misread_itself>(m);
  both<beat_what_is_no_text>(m);
  both<log_a_line>(m);
  both<complete_elsewhere>(m);
  register_waits(m);
}
TEMPORAL_EXPORT_MODULE(cases);
