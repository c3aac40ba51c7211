// SPDX-License-Identifier: MIT
// Workflows that end the process they run in, unless they were mended.
#include <cstdlib>
#include <string>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

using namespace std::chrono_literals;
using temporal::Task;
namespace workflow = temporal::workflow;

namespace {

int* volatile nowhere = nullptr;

[[gnu::noinline]] int dig(int depth) {
  volatile char frame[512];
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : dig(depth + 1) + frame[0];
}

}  // namespace

void blow_up(const std::string& how) {
#ifdef MENDED
  (void)how;
#else
  if (how == "abort") std::abort();
  if (how == "segv") *nowhere = 1;
  if (how == "overflow") *nowhere = dig(0);
#endif
}

// Blows up in its first task.
struct Poison {
  Task<std::string> run(std::string how) {
    blow_up(how);
    co_return how + " survived";
  }
};

// Is fine, for as long as it takes.
struct Healthy {
  Task<int> run(int number) {
    co_await workflow::sleep(1s);
    co_await workflow::sleep(1s);
    co_return number;
  }
};

void poison(temporal::Module& m) {
  (void)nowhere;
  (void)&dig;
  m.workflow<Poison>();
  m.workflow<Healthy>();
}
TEMPORAL_EXPORT_MODULE(poison);
