// SPDX-License-Identifier: MIT
// Its children are ready before their zygote has said that they exist.
#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <temporal/module.hpp>
#include <thread>

namespace {

pid_t newest_child() {
  std::ifstream file("/proc/thread-self/children");
  pid_t newest = 0;
  for (pid_t pid; file >> pid;) newest = pid;
  return newest;
}

// A child that has said it is ready sleeps until there is something to do.
bool sleeps(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/wchan");
  std::string where;
  return file >> where && where.find("epoll") != std::string::npos;
}

void until_the_child_sleeps() {
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const pid_t child = newest_child();
  while (!sleeps(child) && std::chrono::steady_clock::now() < patience) std::this_thread::yield();
}

}  // namespace

int own_pid() { return getpid(); }

void early_module(temporal::Module& m) {
  pthread_atfork(nullptr, until_the_child_sleeps, nullptr);
  m.activity<own_pid>();
}
TEMPORAL_EXPORT_MODULE(early_module);
