#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

using namespace std::chrono_literals;
namespace workflow = temporal::workflow;

// A plain function: runs in a child process.
std::string say_hello(std::string name) { return "Hello, " + name + "!"; }

// A coroutine: runs on the workflow threads, survives every restart.
struct SayHello {
  temporal::Task<std::string> run(std::string name) {
    co_return co_await workflow::execute_activity<say_hello>({.start_to_close_timeout = 10s}, name);
  }
};

void hello(temporal::Module& m) {
  m.activity<say_hello>();
  m.workflow<SayHello>();
}
TEMPORAL_EXPORT_MODULE(hello);
