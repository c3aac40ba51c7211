// SPDX-License-Identifier: MIT
#include "child/zygote.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "child/cgroup.hpp"
#include "child/exec_child.hpp"
#include "child/executor.hpp"
#include "child/forked.hpp"
#include "child/huge_pages.hpp"
#include "child/lifeline.hpp"
#include "child/processes.hpp"
#include "shared/module_loader.hpp"
#include "shared/objects.hpp"

namespace temporal::child {
namespace {

constexpr const char* kName = "temporal-zygote";

// The supervisor's death arrives as this signal, so that the groups of the children can be killed
// before leaving. Not SIGTERM: a service manager may send that to every process of a service that
// shall stop in good order.
int parent_died() { return SIGRTMIN; }
constexpr std::size_t kLongestMessage = 64 * 1024;
constexpr auto kLongestEnd = std::chrono::milliseconds(900);

bool contains(const std::vector<pid_t>& pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

}  // namespace

Zygote::Zygote(ZygoteOptions options) : options_(std::move(options)), socket_(options_.socket) {}
Zygote::~Zygote() = default;

int Zygote::run() {
  ::prctl(PR_SET_NAME, kName);
  close_all_but({socket_.get()});
  ::fcntl(socket_.get(), F_SETFD, FD_CLOEXEC);  // nobody's who is started here
  if (!take_signals() || !tie_to_parent(options_.parent, parent_died())) return kExitArena;
  // Grandchildren whose parents are gone come here, and are killed.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (!load()) return kExitModule;
  serve();
  end();
  return 0;
}

bool Zygote::take_signals() {
  for (int ignored : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2})
    ::signal(ignored, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t taken;
  ::sigemptyset(&taken);
  ::sigaddset(&taken, SIGCHLD);
  ::sigaddset(&taken, parent_died());
  ::sigprocmask(SIG_SETMASK, &taken, nullptr);
  signals_.reset(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  return static_cast<bool>(signals_);
}

bool Zygote::load() {
  v1::FromZygote message;
  if (options_.exec_children) {  // it has nothing to fork that would be worth sharing
    message.mutable_loaded();
    send(message);
    return true;
  }
  try {
    load_modules(options_.modules, module_, objects_);
  } catch (const std::exception& error) {
    message.mutable_load_failed()->set_message(std::string(error.what()).substr(0, 16 * 1024));
    send(message);
    return false;
  }
  // A module's lines so far belong to the zygote, not to each child that would inherit the buffer.
  std::fflush(nullptr);
  fingerprint_ = fingerprint(module_);
  module_descriptors_ = open_descriptors();
  for (int own : {socket_.get(), signals_.get()}) std::erase(module_descriptors_, own);
  module_processes_ = own_children();
  use_huge_pages();

  auto& loaded = *message.mutable_loaded();
  loaded.set_fingerprint(fingerprint_);
  for (const auto& [name, activity] : module_.activities()) loaded.add_activity_types(name);
  for (const auto& object : loaded_objects()) to_proto(object, loaded.add_objects());
  send(message);
  return true;
}

void Zygote::serve() {
  std::vector<std::byte> buffer(kLongestMessage);
  while (!stopping_) {
    std::array<pollfd, 2> ready{pollfd{socket_.get(), POLLIN, 0},
                                pollfd{signals_.get(), POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) return;
    if (ready[1].revents != 0) {
      signalfd_siginfo signal;
      while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal)
        if (signal.ssi_signo == static_cast<unsigned>(parent_died())) stopping_ = true;
      reap();
    }
    if (ready[0].revents == 0 || stopping_) continue;
    ipc::Received received;
    switch (ipc::receive_message(socket_.get(), buffer, received)) {
      case ipc::Io::done:
        handle(received, std::span(buffer).first(received.size));
        break;
      case ipc::Io::again:
        break;
      case ipc::Io::closed:
        return;
      case ipc::Io::failed:
        // Descriptors ran out here: the supervisor misses an answer, gives that child up and tries
        // again.
        break;
    }
  }
}

void Zygote::handle(ipc::Received& received, std::span<const std::byte> bytes) {
  v1::ToZygote message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    stopping_ = true;
    return;
  }
  if (message.has_spawn()) spawn(message.spawn(), received);
  if (message.has_kill()) kill(message.kill());
}

void Zygote::spawn(const v1::Spawn& request, ipc::Received& received) {
  ChildDescriptors descriptors(request.places());
  const auto attached = descriptors.in_order();
  if (descriptors.places.empty() || received.fd_count != attached.size())
    return refuse(request.incarnation(), "the zygote has no descriptors left");
  if (int threads = own_thread_count(); threads > 1)
    // fork() copies one thread and the locks of all.
    return refuse(request.incarnation(),
                  "the zygote has threads of its own (" + other_threads() +
                      "): a module must not start threads while it is loaded, start them in the "
                      "first activity that needs them");
  const pid_t zygote = ::getpid();
  // A child has its name from birth: who is killed before it could take one is known by it when it is an orphan, and dead.
  ::prctl(PR_SET_NAME, kChildName);
  const pid_t pid = ::fork();
  if (pid != 0) ::prctl(PR_SET_NAME, kName);
  if (pid == 0) {
    for (std::size_t i = 0; i < attached.size(); ++i) *attached[i] = std::move(received.fds[i]);
    if (const auto lacking = request.has_cgroup() ? enter_cgroup(request.cgroup()) : "";
        !lacking.empty()) {
      ::dprintf(descriptors.output.get(), "%s\n", lacking.c_str());
      ::_exit(kExitArena);
    }
    const ForkedOptions options{
        .zygote = zygote,
        .nice = request.nice(),
        .oom_score_adj = request.oom_score_adj(),
        .largest_bulk = request.largest_bulk(),
        .core = request.has_core() ? std::optional(request.core()) : std::nullopt,
        .limits = {.memory = request.memory(), .cgroup = request.cgroup()},
        .tells = !forked_};
    if (options_.exec_children) exec_child(std::move(descriptors), options, options_.modules);
    become_child(descriptors, options);
    serve_as_child(
        std::move(descriptors), options,
        {.module = module_, .fingerprint = fingerprint_, .descriptors = module_descriptors_});
  }
  if (pid < 0) return refuse(request.incarnation(), std::string("fork: ") + std::strerror(errno));
  forked_ = true;
  // Here too: a kill of the group may come before the child gets so far.
  ::setpgid(pid, pid);
  children_[pid] = request.incarnation();
  v1::FromZygote message;
  message.mutable_spawned()->set_incarnation(request.incarnation());
  message.mutable_spawned()->set_pid(pid);
  // Denied in some containers, or out of descriptors: then reports and Kill do what it would have done.
  ipc::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const int handle = pidfd.get();
  send(message, std::span(&handle, pidfd ? 1 : 0));
}

void Zygote::kill(const v1::Kill& request) {
  for (const auto& [pid, incarnation] : children_)
    if (incarnation == request.incarnation()) ::kill(pid, request.signal());
}

void Zygote::refuse(std::uint32_t incarnation, std::string why) {
  v1::FromZygote message;
  message.mutable_spawn_failed()->set_incarnation(incarnation);
  message.mutable_spawn_failed()->set_message(std::move(why));
  send(message);
}

void Zygote::reap() {
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const pid_t pid = info.si_pid;
    // In this order: the zombie still reserves the number of its group, nobody else can be hit.
    ::kill(-pid, SIGKILL);
    int adopted = kill_adopted();
    int status = 0;
    rusage usage{};
    if (::wait4(pid, &status, 0, &usage) != pid) return;
    auto found = children_.find(pid);
    if (found == children_.end()) continue;
    v1::FromZygote message;
    auto& exited = *message.mutable_exited();
    exited.set_incarnation(found->second);
    exited.set_pid(pid);
    exited.set_wait_status(status);
    exited.set_max_rss_kb(usage.ru_maxrss);
    exited.set_grandchildren_killed(static_cast<std::uint32_t>(adopted));
    children_.erase(found);
    send(message);
  }
}

// Children are subreapers: an orphan arrives here only when its child is dead.
int Zygote::kill_adopted() {
  int killed = 0;
  for (pid_t pid : own_children()) {
    if (children_.contains(pid) || contains(module_processes_, pid)) continue;
    if (::kill(pid, SIGKILL) == 0) ++killed;
  }
  return killed;
}

void Zygote::end() {
  const auto deadline = std::chrono::steady_clock::now() + kLongestEnd;
  // Whoever dies may leave orphans here: until nobody is left.
  for (;;) {
    for (const auto& [pid, incarnation] : children_) ::kill(-pid, SIGKILL);
    kill_adopted();
    reap();
    bool left = std::ranges::any_of(
        own_children(), [this](pid_t pid) { return !contains(module_processes_, pid); });
    if (!left || std::chrono::steady_clock::now() >= deadline) return;
    pollfd signal{signals_.get(), POLLIN, 0};
    ::poll(&signal, 1, 10);
    signalfd_siginfo taken;
    while (::read(signals_.get(), &taken, sizeof taken) == sizeof taken) {
    }
  }
}

void Zygote::send(const v1::FromZygote& message, std::span<const int> fds) {
  const std::string bytes = message.SerializeAsString();
  if (ipc::send_message(socket_.get(), std::as_bytes(std::span(bytes)), fds) == ipc::Io::closed)
    stopping_ = true;
}

}  // namespace temporal::child
