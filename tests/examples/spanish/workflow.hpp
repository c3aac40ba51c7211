// The workflow knows what the activity takes and returns, not where or in which form it runs.
#pragma once

#include <string>
#include <temporal/workflow.hpp>

using namespace std::chrono_literals;

std::string greet_in_spanish(std::string name);

struct GreetSomeone {
  temporal::Task<std::string> run(std::string name) {
    co_return co_await temporal::workflow::execute_activity<greet_in_spanish>(
        {.start_to_close_timeout = 5s, .retry = {.initial_interval = 100ms}}, name);
  }
};
