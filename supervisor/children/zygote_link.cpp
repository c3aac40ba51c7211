// SPDX-License-Identifier: MIT
#include "supervisor/children/zygote_link.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "shared/ipc/role_arguments.hpp"
#include "supervisor/children/outcome.hpp"

extern char** environ;

namespace temporal::supervisor::children {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

constexpr std::size_t kLongestMessage = 128 * 1024;
constexpr auto kAskAgain = std::chrono::milliseconds(10);

// A child has no client, so it needs no key; and user code prints its environment into logs.
bool is_secret(std::string_view variable) {
  return variable.starts_with("TEMPORAL_API_KEY") || variable.starts_with("TEMPORAL_TLS_") ||
         variable.starts_with("TEMPORAL_GRPC_META") || variable.starts_with("TEMPORAL_CODEC_AUTH");
}

std::vector<std::string> child_environment(const std::string& mark) {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry; ++entry)
    if (!is_secret(*entry) && !std::string_view(*entry).starts_with(Orphans::kMark))
      variables.emplace_back(*entry);
  variables.push_back(mark);
  return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// A process started without stdin, stdout or stderr gives their numbers to the next descriptors it opens.
void leave_stdio(ipc::UniqueFd& fd) {
  if (fd.get() <= STDERR_FILENO) fd.reset(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

[[noreturn]] void throw_errno(int code, const std::string& what) {
  throw std::system_error(code, std::generic_category(), what);
}

/// The two halves of posix_spawn's arguments, freed together.
struct SpawnArguments {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  SpawnArguments() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnArguments() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&files);
  }
  SpawnArguments(const SpawnArguments&) = delete;
  SpawnArguments& operator=(const SpawnArguments&) = delete;
};

}  // namespace

std::shared_ptr<ZygoteLink> ZygoteLink::start(asio::any_io_executor core,
                                              const ZygoteProgram& program, ZygoteEvents& events,
                                              Logger& log) {
  std::shared_ptr<ZygoteLink> link(new ZygoteLink(std::move(core), events, log));
  link->launch(program);
  link->wait_message();
  link->wait_end();
  link->output_->start([link = link.get()](std::string_view line) {
    link->log_.info(line, {{"from", "zygote"}, {"pid", link->pid_}});
  });
  return link;
}

ZygoteLink::ZygoteLink(asio::any_io_executor core, ZygoteEvents& events, Logger& log)
    : core_(core), events_(&events), log_(log), socket_(core), pidfd_(core), ask_again_(core) {}

ZygoteLink::~ZygoteLink() {
  if (output_) output_->close();
}

void ZygoteLink::launch(const ZygoteProgram& program) {
  auto sockets = ipc::socket_pair();
  auto pipe = Output::open(core_);
  if (!sockets || !pipe.output) throw_errno(errno, "cannot start the zygote");
  output_ = std::move(pipe.output);
  auto& [mine, theirs] = *sockets;
  leave_stdio(theirs);
  leave_stdio(pipe.writer);
  ::fcntl(mine.get(), F_SETFL, O_NONBLOCK);

  std::vector<std::string> arguments{"temporal-child", std::string(role::kZygote),
                                     std::string(role::kSocket) + std::to_string(theirs.get()),
                                     std::string(role::kParent) + std::to_string(::getpid())};
  for (const auto& module : program.modules)
    arguments.push_back(std::string(role::kModule) + module.string());
  if (program.exec_children) arguments.emplace_back(role::kExecChildren);
  if (program.plain_on_threads) arguments.emplace_back(role::kPlainOnThreads);
  for (const auto& name : program.needs.activities)
    arguments.push_back(std::string(role::kNeedsActivity) + name);
  for (const auto& name : program.needs.functions)
    arguments.push_back(std::string(role::kNeedsFunction) + name);
  if (program.needs.catch_all) arguments.emplace_back(role::kNeedsCatchAll);
  auto variables = child_environment(orphans_.mark());

  SpawnArguments spawn;
  ::posix_spawn_file_actions_addopen(&spawn.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&spawn.files, pipe.writer.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&spawn.files, pipe.writer.get(), STDERR_FILENO);
  // Onto itself: that only takes close-on-exec away. Any other number may be the one of the executable.
  ::posix_spawn_file_actions_adddup2(&spawn.files, theirs.get(), theirs.get());
  sigset_t all, none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&spawn.attributes, &all);
  ::posix_spawnattr_setsigmask(&spawn.attributes, &none);
  // A group of its own: Ctrl-C reaches the supervisor alone.
  ::posix_spawnattr_setpgroup(&spawn.attributes, 0);
  ::posix_spawnattr_setflags(
      &spawn.attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  // Orphans of a zygote that was killed come here.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  int error = ::posix_spawn(&pid_, program.executable.c_str(), &spawn.files, &spawn.attributes,
                            pointers_to(arguments).data(), pointers_to(variables).data());
  if (error != 0) throw_errno(error, "cannot start " + program.executable.string());
  // What it forks itself has no name of a child's, and once it is dead no environment with the mark.
  orphans_.add_group(pid_);

  ipc::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd && errno != EPERM && errno != EACCES && errno != ENOSYS) {
    error = errno;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    throw_errno(error, "pidfd_open");
  }
  socket_.assign(mine.release());
  if (pidfd)
    pidfd_.assign(pidfd.release());
  else
    log_.warn("pidfd_open is denied here: deaths of children are seen by their zygote's reports");
}

bool ZygoteLink::send(const child::v1::ToZygote& message, std::span<const int> fds) {
  if (!socket_.is_open()) return false;
  const std::string bytes = message.SerializeAsString();
  return ipc::send_message(socket_.native_handle(), std::as_bytes(std::span(bytes)), fds) ==
         ipc::Io::done;
}

void ZygoteLink::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void ZygoteLink::kill() {
  if (gone_) return;
  if (pidfd_.is_open())
    ::syscall(SYS_pidfd_send_signal, pidfd_.native_handle(), SIGKILL, nullptr, 0);
  else
    ::kill(pid_, SIGKILL);  // not reaped yet: the number is nobody else's
}

void ZygoteLink::wait_message() {
  socket_.async_wait(stream_descriptor::wait_read,
                     [self = shared_from_this()](boost::system::error_code error) {
                       if (!error && self->socket_.is_open()) self->read_messages();
                       if (!error && self->socket_.is_open()) self->wait_message();
                     });
}

void ZygoteLink::read_messages() {
  std::vector<std::byte> buffer(kLongestMessage);
  while (socket_.is_open()) {
    ipc::Received received;
    switch (ipc::receive_message(socket_.native_handle(), buffer, received)) {
      case ipc::Io::done: {
        child::v1::FromZygote message;
        if (message.ParseFromArray(buffer.data(), static_cast<int>(received.size)))
          dispatch(message, received);
        break;
      }
      case ipc::Io::again:
        return;
      case ipc::Io::closed:
        close();
        return;
      case ipc::Io::failed:
        log_.error("the socket to the zygote is broken", {{"errno", errno}});
        close();
        return;
    }
  }
}

void ZygoteLink::dispatch(const child::v1::FromZygote& message, ipc::Received& received) {
  if (!events_) return;
  switch (message.message_case()) {
    case child::v1::FromZygote::kLoaded:
      return events_->on_loaded(message.loaded());
    case child::v1::FromZygote::kLoadFailed:
      return events_->on_load_failed(message.load_failed().message());
    case child::v1::FromZygote::kSpawned:
      orphans_.add_group(message.spawned().pid());
      return events_->on_spawned(message.spawned().incarnation(), message.spawned().pid(),
                                 std::move(received.fds[0]));
    case child::v1::FromZygote::kSpawnFailed:
      return events_->on_spawn_failed(message.spawn_failed().incarnation(),
                                      message.spawn_failed().message());
    case child::v1::FromZygote::kExited:
      orphans_.forget_group(message.exited().pid());
      return events_->on_exited(message.exited());
    case child::v1::FromZygote::MESSAGE_NOT_SET:
      return;
  }
}

void ZygoteLink::wait_end() {
  if (!pidfd_.is_open()) return ask_for_end();
  pidfd_.async_wait(stream_descriptor::wait_read,
                    [self = shared_from_this()](boost::system::error_code error) {
                      if (error) return;
                      if (!has_ended(self->pidfd_.native_handle())) return self->wait_end();
                      self->on_end();
                    });
}

void ZygoteLink::ask_for_end() {
  ask_again_.expires_after(kAskAgain);
  ask_again_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (error || self->gone_) return;
    siginfo_t info{};
    const auto pid = static_cast<id_t>(self->pid_);
    const bool known = ::waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
    if (known && info.si_pid == 0) return self->ask_for_end();
    self->on_end();
  });
}

void ZygoteLink::on_end() {
  read_messages();  // its last words
  int status = 0;
  bool reaped = ::waitpid(pid_, &status, 0) == pid_;
  gone_ = true;
  close();
  boost::system::error_code ignored;
  pidfd_.close(ignored);
  output_->drain();
  output_->close();
  if (events_)
    events_->on_zygote_gone(describe_status(reaped ? std::optional(status) : std::nullopt));
}

std::vector<LoadedObject> objects_in(
    const google::protobuf::RepeatedPtrField<child::v1::LoadedObject>& told) {
  std::vector<LoadedObject> objects;
  for (const auto& object : told)
    objects.push_back({object.build_id(), object.base(), object.begin(), object.end()});
  return objects;
}

bool has_ended(int pidfd) {
  pollfd state{pidfd, POLLIN, 0};
  return ::poll(&state, 1, 0) == 1;
}

}  // namespace temporal::supervisor::children
