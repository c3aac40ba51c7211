// SPDX-License-Identifier: MIT
// One source, built twice (GENERATION 1 and 2): what differs is the code. A file that GENERATION_ORDER names, where it is there, says
// in one word how the next copy that is loaded shall behave.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <thread>

using namespace std::chrono_literals;
namespace activity = temporal::activity;

namespace {

std::string order() {
  const char* file = std::getenv("GENERATION_ORDER");
  std::string word;
  if (file) std::getline(std::ifstream(file), word);
  return word;
}

void throw_if(const std::string& word) {
  if (order() == word) throw std::runtime_error("no " + word + " today");
}

// Until it is killed, and who waits for it can see that.
[[noreturn]] void hang() {
  std::ofstream(std::string(std::getenv("GENERATION_ORDER")) + ".hangs") << getpid();
  for (;;) pause();
}

// A process of the zygote's own that has ended, and that nobody waits for.
void leave_a_dead_helper() {
  const pid_t helper = ::fork();
  if (helper == 0) ::_exit(0);
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(helper), &info, WEXITED | WNOWAIT);
}

}  // namespace

class Fragile {
 public:
  Fragile() { throw_if("object"); }
  int number() { return GENERATION; }
};

int generation() { return GENERATION; }

int generation_after(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return GENERATION;
}

int generation_when_cancelled(activity::Context& ctx) {
  try {
    ctx.heartbeat(GENERATION);
  } catch (const temporal::Cancelled&) {
  }
  while (!ctx.wait_cancelled(1h)) {
  }
  return GENERATION;
}

void crash_in_generation() { std::abort(); }

int news() { return GENERATION; }

void generation_module(temporal::Module& m) {
  if (order() == "helper") leave_a_dead_helper();
  throw_if("helper");
  throw_if("load");
  if (order() == "hang") hang();
  m.preload([] { throw_if("preload"); });
  m.on_child_start([] {
    throw_if("start");
    if (order() == "hang in a child") hang();
  });
  auto fragile = m.object<Fragile>();
  m.activity<&Fragile::number>(fragile);
  if (order() != "less") m.activity<generation>();
  if (order() == "more") m.activity<news>();
  m.activity<generation_after>();
  m.activity<generation_when_cancelled>();
  m.activity<crash_in_generation>();
}
TEMPORAL_EXPORT_MODULE(generation_module);
