// SPDX-License-Identifier: MIT
// A program may start and stop workers as often as it likes, in the middle of work: afterwards the
// process is as it was before.
#include <dirent.h>
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <ostream>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "supervisor/supervisor.hpp"
#include "temporal/client.hpp"
#include "tests/support/dev_server.hpp"
#include "tests/support/sanitizer.hpp"

using namespace std::chrono_literals;
using temporal::supervisor::Supervisor;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int kRounds = temporal::test::kSanitizer ? 4 : 25;
// Workers at a time, each on a thread: a stop mostly waits, for polls that this server does not end.
constexpr int kLanes = 4;
constexpr auto kBound = 60s;

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// Who has this process as parent, zombies too.
std::multiset<std::string> children() {
  std::multiset<std::string> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto stat = first_line(entry.path() / "stat");  // pid (name) state parent …
    const auto name_ends = stat.rfind(')');
    if (name_ends == std::string::npos || name_ends + 4 > stat.size()) continue;
    if (std::stoi(stat.substr(name_ends + 4)) != ::getpid()) continue;
    found.insert(stat.substr(0, name_ends + 1) + (stat[name_ends + 2] == 'Z' ? ", a zombie" : ""));
  }
  return found;
}

// Without those of gRPC, which lives as long as the client, and has more of them under load.
std::multiset<std::string> threads() {
  const std::set<std::string> grpc{"default-executo", "event_engine",    "grpc_global_tim",
                                   "nexting_thread",  "resolver-execut", "timer_manager"};
  std::multiset<std::string> found;
  for (const auto& entry : fs::directory_iterator("/proc/self/task")) {
    const auto name = first_line(entry.path() / "comm");
    if (!grpc.contains(name)) found.insert(name);
  }
  return found;
}

std::multiset<std::string> descriptors() {
  std::multiset<std::string> found;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    auto target = fs::read_symlink(entry.path(), gone).string();
    target.erase(std::find_if(target.begin(), target.end(), [](char c) { return c == '['; }),
                 target.end());  // sockets and pipes: without their number
    found.insert(target);
  }
  return found;
}

struct Holdings {
  std::multiset<std::string> children, threads, descriptors;
  bool operator==(const Holdings&) const = default;

  static Holdings now() { return {::children(), ::threads(), ::descriptors()}; }
  /// gRPC closes connections, and ends threads that have nothing to do, after a while.
  static Holdings settled(const Holdings& as) {
    const auto give_up = Clock::now() + kBound;
    auto held = now();
    while (!(held == as) && Clock::now() < give_up) {
      std::this_thread::sleep_for(10ms);
      held = now();
    }
    return held;
  }
  /// Once a second has changed nothing.
  static Holdings settled() {
    auto held = now();
    for (;;) {
      std::this_thread::sleep_for(1s);
      if (std::exchange(held, now()) == held) return held;
    }
  }
};

std::ostream& operator<<(std::ostream& out, const Holdings& holdings) {
  for (const auto& [kind, names] : {std::pair("children", &holdings.children),
                                    {"threads", &holdings.threads},
                                    {"descriptors", &holdings.descriptors}}) {
    out << "\n  " << names->size() << ' ' << kind << ':';
    for (auto name = names->begin(); name != names->end(); name = names->upper_bound(*name))
      out << "  " << names->count(*name) << " × " << *name;
  }
  return out;
}

class Silent final : public temporal::Logger {
 public:
  void write(temporal::LogLevel, std::string_view, const temporal::LogFields&) override {}
};

// The book in which each activity signs in when it begins.
class Book {
 public:
  static constexpr std::size_t kEntries = 6;  // of one Hold

  Book() {
    std::string name = (fs::temp_directory_path() / "start-stop-XXXXXX").string();
    ::close(::mkstemp(name.data()));
    path_ = name;
  }
  Book(const Book&) = delete;
  Book& operator=(const Book&) = delete;
  ~Book() { fs::remove(path_); }

  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string entries() const { return first_line(path_); }
  /// False: it gave up.
  template <class GiveUp>
  [[nodiscard]] bool wait_for(std::size_t entries, GiveUp give_up) const {
    const auto bound = Clock::now() + kBound;
    while (fs::file_size(path_) < entries) {
      if (give_up() || Clock::now() > bound) return false;
      std::this_thread::sleep_for(1ms);
    }
    return true;
  }

 private:
  fs::path path_;
};

struct Times {
  Clock::duration begun{}, stopped{}, destroyed{};
};

// A worker that serves a queue of its own, until it is told to stop in the middle of its work.
Times cycle(const std::string& queue, const std::string& address, temporal::Client& client) {
  temporal::supervisor::Options options;
  options.address = address;
  options.task_queue = queue;
  options.identity = queue;
  options.modules = {fs::path(std::getenv("BUSY_MODULE"))};
  options.children = 2;
  options.activity_threads = 4;
  options.loop_threads = 2;
  options.grace = 20ms;

  const Book book;
  const temporal::StartOptions start{.task_queue = queue, .execution_timeout = 60s};
  client.start<void>("Hold", start, book.path());
  for (int i = 0; i < 3; ++i) client.start<int>("Add", start, 1000);

  Times times;
  auto since = Clock::now();
  const auto lap = [&] { return Clock::now() - std::exchange(since, Clock::now()); };
  Silent log;
  std::optional<Supervisor> supervisor(std::in_place, std::vector{options},
                                       std::span<const temporal::ModuleFunction>(), log,
                                       Supervisor::Process::embedding);
  auto served = std::async(std::launch::async, [&] { supervisor->run(); });
  const bool all_began = book.wait_for(Book::kEntries, [&] {
    return served.wait_for(0s) == std::future_status::ready;  // it failed
  });
  times.begun = lap();
  supervisor->request_stop();
  served.get();
  times.stopped = lap();
  if (!all_began) throw std::runtime_error("not all activities began: " + book.entries());
  if (supervisor->user_code_left()) throw std::runtime_error("user code is left");
  supervisor.reset();
  times.destroyed = lap();
  return times;
}

// As many workers at once as there are lanes, `rounds` times.
std::vector<Times> serve(int rounds, const std::string& name, const std::string& address,
                         temporal::Client& client) {
  std::vector<std::future<std::vector<Times>>> lanes;
  for (int lane = 0; lane < kLanes; ++lane)
    lanes.push_back(std::async(std::launch::async, [&, lane] {
      std::vector<Times> times;
      for (int round = 0; round < rounds; ++round)
        times.push_back(cycle(name + "-" + std::to_string(lane) + "-" + std::to_string(round),
                              address, client));
      return times;
    }));
  std::vector<Times> all;
  for (auto& lane : lanes)
    for (const auto& times : lane.get()) all.push_back(times);
  return all;
}

std::string in_ms(const std::vector<Times>& all, Clock::duration Times::*part) {
  std::vector<Clock::duration> durations;
  for (const auto& times : all) durations.push_back(times.*part);
  std::ranges::sort(durations);
  const auto ms = [](Clock::duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
  };
  return ms(durations[durations.size() / 2]) + " ms (" + ms(durations.front()) + " to " +
         ms(durations.back()) + ")";
}

}  // namespace

TEST_CASE("100 starts and stops in the middle of work leave no descriptor, thread or process") {
  const temporal::test::DevServer server;
  auto client = temporal::Client::connect({.address = server.address()});
  serve(1, "first", server.address(), client);  // what is loaded once is loaded
  const auto before = Holdings::settled();

  const auto all = serve(kRounds, "next", server.address(), client);
  MESSAGE("from nothing to all homes at work: " << in_ms(all, &Times::begun));
  MESSAGE("from request_stop() to the end of run(): " << in_ms(all, &Times::stopped));
  MESSAGE("destroyed in: " << in_ms(all, &Times::destroyed));

  const auto after = Holdings::settled(before);
  INFO("before: " << before);
  INFO("after: " << after);
  CHECK(after.children == before.children);
  CHECK(after.descriptors == before.descriptors);
  CHECK(after.threads == before.threads);
}
