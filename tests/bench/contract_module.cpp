// SPDX-License-Identifier: MIT
// The workflows and activities that the load generator of the peers' harness asks for, under its names: written as a
// user would write them, so that what is measured is what users get.
#include <openssl/sha.h>

#include <array>
#include <cstdint>
#include <ctime>
#include <random>
#include <string>
#include <string_view>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>
#include <vector>

using namespace std::chrono_literals;
using temporal::Bytes;
using temporal::Task;
namespace workflow = temporal::workflow;

constexpr temporal::ActivityOptions kOptions{.start_to_close_timeout = 60s};

// As coroutines, for what a loop costs.
#ifdef ON_LOOP
#define ACTIVITY(T) boost::asio::awaitable<T>
#define RETURN co_return
#else
#define ACTIVITY(T) T
#define RETURN return
#endif

ACTIVITY(std::string) say_hello(std::string name) { RETURN "Hello, " + name + "!"; }

ACTIVITY(void) noop() { RETURN; }

ACTIVITY(Bytes) echo(Bytes data) { RETURN data; }

namespace {

std::chrono::nanoseconds thread_cpu() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

// The same CPU in every language: rounds are counted by time, not time by rounds.
int burn(int ms) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  ::SHA256(digest.data(), 0, digest.data());
  for (const auto end = thread_cpu() + std::chrono::milliseconds(ms); thread_cpu() < end;)
    for (int round = 0; round < 200; ++round) ::SHA256(digest.data(), digest.size(), digest.data());
  return ms;
}

struct Hello {
  Task<std::string> run(std::string name) {
    co_return co_await workflow::execute_activity<say_hello>(kOptions, name);
  }
};

struct Fanout {
  Task<int> run(int n) {
    std::vector<workflow::Future<>> running;
    for (int i = 0; i < n; ++i) running.push_back(workflow::execute_activity<noop>(kOptions));
    co_await workflow::all(std::move(running));
    co_return n;
  }
};

struct Blocking {
  Task<int> run(int n, int ms) {
    std::vector<workflow::Future<int>> running;
    for (int i = 0; i < n; ++i) running.push_back(workflow::execute_activity<burn>(kOptions, ms));
    co_await workflow::all(std::move(running));
    co_return n;
  }
};

struct Seq {
  Task<int> run(int n) {
    for (int i = 0; i < n; ++i) co_await workflow::execute_activity<noop>(kOptions);
    co_return n;
  }
};

struct Timers {
  Task<int> run(int n) {
    for (int i = 0; i < n; ++i) co_await workflow::sleep(1ms);
    co_return n;
  }
};

class Signals {
 public:
  Task<int> run(int n) {
    co_await workflow::wait_condition([this, n] { return ticks_ >= n; });
    co_return n;
  }
  void tick() { ++ticks_; }

 private:
  int ticks_ = 0;
};

class Cached {
 public:
  Task<std::string> run(std::string name) {
    auto greeting = co_await workflow::execute_activity<say_hello>(kOptions, name);
    co_await workflow::wait_condition([this] { return finished_; });
    co_return greeting;
  }
  void finish() { finished_ = true; }

 private:
  bool finished_ = false;
};

namespace {

// A MiB that does not compress, the same at every replay.
const std::string& noise() {
  static const std::string bytes = [] {
    std::mt19937_64 random(1);
    std::string made(1 << 20, '\0');
    for (char& byte : made) byte = static_cast<char>(random());
    return made;
  }();
  return bytes;
}

}  // namespace

struct PayloadRoundTrips {
  Task<std::int64_t> run(int n, std::size_t size) {
    const Bytes sent(noise().substr(0, size));
    std::int64_t total = 0;
    for (int i = 0; i < n; ++i) {
      const auto back = co_await workflow::execute_activity<echo>(kOptions, sent);
      total += static_cast<std::int64_t>(back.data.size());
    }
    co_return total;
  }
};

void contract(temporal::Module& m) {
  m.activity<say_hello>();
  m.activity<noop>();
  m.activity<burn>();
  m.activity<echo>();
  m.workflow<Hello>({.name = "hello"});
  m.workflow<Fanout>({.name = "fanout"});
  m.workflow<Blocking>({.name = "blocking"});
  m.workflow<Seq>({.name = "seq"});
  m.workflow<Timers>({.name = "timers"});
  m.workflow<Signals>({.name = "signals"}).signal<&Signals::tick>();
  m.workflow<Cached>({.name = "cached"}).signal<&Cached::finish>();
  m.workflow<PayloadRoundTrips>({.name = "payload"});
}
TEMPORAL_EXPORT_MODULE(contract);
