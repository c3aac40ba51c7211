// SPDX-License-Identifier: MIT
// Many small activities at once.
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>
#include <vector>

using namespace std::chrono_literals;
using temporal::Task;
namespace workflow = temporal::workflow;

int one() { return 1; }

class Fan {
 public:
  Task<int> run(int count) {
    std::vector<workflow::Future<int>> all;
    for (int i = 0; i < count; ++i)
      all.push_back(workflow::execute_activity<one>({.start_to_close_timeout = 60s}));
    const auto results = co_await workflow::all(std::move(all));
    co_return static_cast<int>(results.size());
  }
};

class Patient {
 public:
  Task<int> run() {
    co_return co_await workflow::execute_activity<one>(
        {.start_to_close_timeout = 60s, .eager = false, .priority = {.key = 2}});
  }
};

// So many steps, each with a task of its own; what the last one draws from the run's own dice.
class Walk {
 public:
  Task<std::string> run(int steps) {
    int sum = 0;
    std::uint64_t drawn = 0;
    for (int i = 0; i < steps; ++i) {
      sum += co_await workflow::execute_activity<one>({.start_to_close_timeout = 60s});
      drawn = workflow::random()();
    }
    const auto again = workflow::Random(drawn)();
    co_return std::to_string(sum) + (again != drawn ? " steps" : "");
  }
};

// Starts a workflow on that queue, and waits for its end.
boost::asio::awaitable<int> start_patient(std::string id, std::string queue) {
  auto client = temporal::activity::client();
  auto patient =
      co_await client.start<int>("Patient", temporal::StartOptions{.id = id, .task_queue = queue});
  co_return co_await patient.result();
}

class Starts {
 public:
  Task<int> run(std::string id, std::string queue) {
    co_return co_await workflow::execute_activity<start_patient>({.start_to_close_timeout = 60s},
                                                                 id, queue);
  }
};

void fill(temporal::Module& m) {
  m.activity<start_patient>();
  m.workflow<Starts>();
  m.workflow<Walk>();
  m.activity<one>();
  m.workflow<Fan>();
  m.workflow<Patient>();
}
TEMPORAL_EXPORT_MODULE(fill);
