// SPDX-License-Identifier: MIT
// Workflows that do what no replay can repeat.
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <temporal/module.hpp>
#include <temporal/unsafe.hpp>
#include <temporal/workflow.hpp>
#include <thread>

using namespace std::chrono_literals;
using temporal::Task;
namespace workflow = temporal::workflow;

// Not inlined: the stack names it.
[[gnu::noinline]] int ask_the_world(const std::string& what) {
  int answer = 0;
  if (what == "time") answer = static_cast<int>(std::time(nullptr) % 1000);
  if (what == "clock")
    answer = static_cast<int>(std::chrono::system_clock::now().time_since_epoch().count() % 1000);
  if (what == "rand") answer = std::rand();
  if (what == "random_device") answer = static_cast<int>(std::random_device()() % 1000);
  if (what == "sleep") std::this_thread::sleep_for(1ms);
  if (what == "file") answer = std::ifstream("/proc/self/stat").get();
  if (what == "thread") std::thread([&] { answer = 1; }).join();
  return answer;
}

// The first step is as it should be; the second is not.
struct Impure {
  Task<int> run(std::string what) {
    workflow::log().info("so far so good", {{"what", what}});
    co_await workflow::sleep(10ms);
    co_return ask_the_world(what);
  }
};

struct Allowed {
  Task<bool> run(std::string what) {
    co_await workflow::sleep(10ms);
    const workflow::unsafe::allow it_does_no_harm;
    (void)ask_the_world(what);
    co_return true;
  }
};

// Holds its thread for so long.
struct Holds {
  Task<bool> run(int ms) {
    const workflow::unsafe::allow the_clock;
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    while (std::chrono::steady_clock::now() < until) {
    }
    co_return true;
  }
};

// What the worker has to say of it is not the workflow's doing.
struct Mismeasures {
  Task<bool> run() {
    workflow::metrics().counter("temporal_of_the_workers_own");
    co_await workflow::sleep(10ms);
    co_return true;
  }
};

struct Patched {
  Task<bool> run() { co_return workflow::patched("by-the-clock"); }
};

// Makes the allocator tidy up, many times.
struct Allocates {
  Task<bool> run() {
    for (int i = 0; i < 10'000; ++i) (void)std::make_unique<int>(i);
    co_return true;
  }
};

void impure(temporal::Module& m) {
  m.workflow<Mismeasures>();
  m.workflow<Patched>();
  m.workflow<Allocates>();
  m.activate_patches([](std::string_view) { return std::time(nullptr) > 0; });
  m.workflow<Impure>();
  m.workflow<Allowed>();
  m.workflow<Holds>();
}
TEMPORAL_EXPORT_MODULE(impure);
