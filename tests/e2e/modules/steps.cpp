// SPDX-License-Identifier: MIT
// Built twice: the second time somebody has changed the order of the steps, and did not think of
// the runs that are under way.
#include <string>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

using namespace std::chrono_literals;
namespace workflow = temporal::workflow;

std::string say_hello(std::string name) { return "Hello, " + name + "!"; }

class Steps {
 public:
  temporal::Task<std::string> run(std::string name) {
    constexpr temporal::ActivityOptions kQuick{.start_to_close_timeout = 10s};
#ifdef STEPS_CHANGED
    co_await workflow::sleep(1ms);
    auto greeting = co_await workflow::execute_activity<say_hello>(kQuick, name);
#else
    auto greeting = co_await workflow::execute_activity<say_hello>(kQuick, name);
    co_await workflow::sleep(1ms);
#endif
    co_await workflow::wait_condition([this] { return go_; });
    co_return greeting;
  }
  void go() { go_ = true; }

 private:
  bool go_ = false;
};

void steps(temporal::Module& m) {
  m.activity<say_hello>();
  m.workflow<Steps>().signal<&Steps::go>();
}
TEMPORAL_EXPORT_MODULE(steps);
