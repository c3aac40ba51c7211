// SPDX-License-Identifier: MIT
#include "supervisor/control_command.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <string>
#include <thread>

#include "supervisor/control/client.hpp"
#include "supervisor/control/places.hpp"
#include "supervisor/control/table.hpp"
#include "supervisor/control/usage.hpp"

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace temporal::supervisor {

namespace {

using control::ControlError;
using nlohmann::json;

constexpr auto kRefresh = 1s;

/// Several workers could be meant.
class Ambiguous : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

std::string folders_text() {
  std::string text;
  for (const auto& folder : control::folders())
    text += (text.empty() ? "" : " and ") + folder.string();
  return text;
}

fs::path socket_of(const Options& options) {
  if (options.control_socket) {
    if (options.control_socket->empty())
      throw ControlError(
          "--control-socket off is for a worker that shall have none; name the PATH that the "
          "worker was given");
    return *options.control_socket;
  }
  if (const auto pid = options.control.pid; pid > 0) {
    for (const auto& folder : control::folders()) {
      auto socket = control::socket_in(folder, pid);
      if (control::listener_at(socket) == control::Listener::alive) return socket;
    }
    throw ControlError("no worker with process id " + std::to_string(pid) + " listens: looked in " +
                       folders_text() + "; one that was given a --control-socket is named by that");
  }
  const auto workers = control::find_workers();
  if (workers.empty())
    throw ControlError("no worker of this user runs: looked in " + folders_text() +
                       "; one that was given a --control-socket is named by that");
  if (workers.size() == 1) return workers.front().socket;
  std::string all;
  for (const auto& [pid, socket] : workers)
    all += "\n  --pid " + std::to_string(pid) + "  (" + socket.string() + ")";
  throw Ambiguous(std::to_string(workers.size()) +
                  " workers of this user run; say which one is meant:" + all);
}

json request_of(const Options& options) {
  const auto& control = options.control;
  json request = {{"verb", control.verb}};
  if (control.verb == "top" && !control.json) request["verb"] = "ps";  // it shows no metrics
  if (control.verb == "kill") request["task"] = control.task;
  if (control.verb == "stack") request["pid"] = control.of;
  if (control.verb == "set") {
    request["name"] = control.name;
    request["value"] = control.value;
    request["task_queue"] = options.task_queue;
  }
  return request;
}

// Until Ctrl-C ends the process, or the worker does: then its last words stand. A worker that does not answer is shown as it
// was, with the memory and the CPU time that its processes take now.
[[noreturn]] void show_for_ever(const fs::path& socket, const json& request) {
  control::UsageMeter meter;
  json view = control::ask(socket, request);
  auto answered = std::chrono::steady_clock::now();
  std::cout << "\033[2J";
  for (;;) {
    meter.add_to(view);
    winsize size{};
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    const std::size_t columns = known ? size.ws_col : 120;
    const std::size_t lines = known && size.ws_row > 1 ? size.ws_row - 1U : 40;
    std::cout << "\033[H";
    std::string text = control::cut_to(control::top_text(view), columns, lines);
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 4)
      text.replace(at, 1, "\033[K\n");
    std::cout << text << "\033[J" << std::flush;
    std::this_thread::sleep_for(kRefresh);
    try {
      view = control::ask(socket, request, kRefresh);
      answered = std::chrono::steady_clock::now();
    } catch (const control::NoAnswer&) {
      const auto silent = std::chrono::steady_clock::now() - answered;
      view["silent_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(silent).count();
    }
  }
}

void show(const Options& options, json answer) {
  const auto& control = options.control;
  if (control.verb == "ps" || control.verb == "top") {
    control::UsageMeter().add_to(answer);
    if (control.json)
      std::cout << answer.dump(2, ' ', false, json::error_handler_t::replace) << "\n";
    else
      std::cout << (control.verb == "ps" ? control::ps_text(answer) : control::top_text(answer));
  } else if (control.verb == "stack") {
    std::cout << control::stack_text(answer);
  } else {
    std::cout << control::printable(answer.value("said", "done")) << "\n";
  }
}

}  // namespace

int control_command(const Options& options) {
  try {
    const auto socket = socket_of(options);
    const auto request = request_of(options);
    if (options.control.verb == "top" && !options.control.json && ::isatty(STDOUT_FILENO))
      show_for_ever(socket, request);
    show(options, control::ask(socket, request));
    std::cout << std::flush;
    return kExitStopped;
  } catch (const Ambiguous& error) {
    std::cerr << "temporal-supervisor: " << error.what() << "\n";
    return kExitUsage;
  } catch (const ControlError& error) {
    std::cerr << "temporal-supervisor: " << error.what() << "\n";
    return kExitFatal;
  }
}

}  // namespace temporal::supervisor
