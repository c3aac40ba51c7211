// SPDX-License-Identifier: MIT
// One source, built several times: what differs is what it says of itself (BUILD), and what it no longer has (LESS).
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <thread>

using namespace std::chrono_literals;
namespace activity = temporal::activity;
namespace fs = std::filesystem;

int build() { return BUILD; }

int build_after(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return BUILD;
}

// Leaves a file, and holds until it is released.
int build_when_released(activity::Context& ctx, std::string folder) {
  const auto name = fs::path(folder) / std::to_string(getpid());
  std::ofstream(name.string() + ".new") << getpid();
  fs::rename(name.string() + ".new", name);
  while (!fs::exists(fs::path(folder) / "release")) ctx.wait_cancelled(10ms);
  return BUILD;
}

[[gnu::noinline]] void abort_in_this_build() { std::abort(); }

std::string crash_once(activity::Context& ctx) {
  if (ctx.info().attempt == 1) abort_in_this_build();
  return "survived";
}

int build_of_the_child(activity::Context&) { return BUILD; }

// Its own, and that of who works for it.
boost::asio::awaitable<std::string> both_builds(activity::Context& ctx) {
  const int other = co_await activity::in_child<build_of_the_child>(ctx);
  co_return std::to_string(BUILD) + " asked " + std::to_string(other);
}

void reloading(temporal::Module& m) {
#ifndef LESS
  m.activity<build>();
#endif
  m.activity<build_after>();
  m.activity<build_when_released>();
  m.activity<crash_once>();
  m.activity<both_builds>();
}
TEMPORAL_EXPORT_MODULE(reloading);
