// SPDX-License-Identifier: MIT
// What arrives while something else is on its way: signals beside an ending, priorities along a family, runs that never let go.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/unsafe.hpp>
#include <temporal/workflow.hpp>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using temporal::Task;
namespace activity = temporal::activity;
namespace workflow = temporal::workflow;

// Over its last step until there is a file of that name: signals come between.
class Ends {
 public:
  Task<std::vector<int>> run(std::string until) {
    co_await workflow::wait_condition([this] { return go_; });
    workflow::log().info("ending");
    {
      const workflow::unsafe::allow the_point_of_this;
      while (!std::filesystem::exists(until)) std::this_thread::sleep_for(1ms);
    }
    int late = 0;
    workflow::set_signal_handler("late", [&late] { ++late; });
    co_await workflow::sleep(0ms);
    co_return std::vector<int>{pokes_, late};
  }
  void go() { go_ = true; }
  void poke() { ++pokes_; }

 private:
  bool go_ = false;
  int pokes_ = 0;
};

int my_priority(activity::Context& ctx) { return ctx.info().priority.key; }

// Its own activity's priority, and one that was chosen; its child's and its next run's.
class Ranked {
 public:
  Task<std::vector<int>> run(int round) {
    constexpr temporal::ActivityOptions kPlain{.start_to_close_timeout = 10s};
    const int own = co_await workflow::execute_activity<my_priority>(kPlain);
    if (round > 1) co_return std::vector<int>{own};
    if (round == 1) workflow::continue_as_new<Ranked>({}, 2);
    const int chosen = co_await workflow::execute_activity<my_priority>(
        {.start_to_close_timeout = 10s, .priority = {.key = 5}});
    auto child = co_await workflow::execute_child<Ranked>({}, 2);
    auto other = co_await workflow::execute_child<Ranked>({.priority = {.key = 4}}, 2);
    auto next = co_await workflow::execute_child<Ranked>({}, 1);
    co_return std::vector<int>{own, chosen, child[0], other[0], next[0]};
  }
};

// Holds its thread until it is let go, by a signal that another run gets.
class Holds {
 public:
  Task<> run() {
    held().store(true);
    while (held().load()) {
    }
    co_return;
  }
  static std::atomic<bool>& held() {
    static std::atomic<bool> flag = false;
    return flag;
  }
};
class Frees {
 public:
  Task<> run() {
    Holds::held().store(false);
    co_return;
  }
};

void fill(temporal::Module& m) {
  m.activity<my_priority>({.executor = temporal::Executor::threads});
  m.workflow<Ends>().signal<&Ends::go>().signal<&Ends::poke>();
  m.workflow<Ranked>();
  m.workflow<Holds>();
  m.workflow<Frees>();
}
TEMPORAL_EXPORT_MODULE(fill);
