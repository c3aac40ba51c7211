// SPDX-License-Identifier: MIT
// An activity, a timer, a signal, an activity. twin.ts is the same workflow in another language:
// what this one records, that one must be able to replay.
#include <string>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

using namespace std::chrono_literals;
namespace workflow = temporal::workflow;

std::string say_hello(std::string name) { return "Hello, " + name + "!"; }

class Errand {
 public:
  temporal::Task<std::string> run(std::string name) {
    constexpr temporal::ActivityOptions kQuick{.start_to_close_timeout = 10s};
    auto first = co_await workflow::execute_activity<say_hello>(kQuick, name);
    co_await workflow::sleep(100ms);
    co_await workflow::wait_condition([this] { return !next_.empty(); });
    auto second = co_await workflow::execute_activity<say_hello>(kQuick, next_);
    co_return first + " " + second;
  }
  void visit(std::string name) { next_ = name; }

 private:
  std::string next_;
};

void errand(temporal::Module& m) {
  m.activity<say_hello>();
  m.workflow<Errand>().signal<&Errand::visit>();
}
TEMPORAL_EXPORT_MODULE(errand);
