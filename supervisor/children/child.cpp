// SPDX-License-Identifier: MIT
#include "supervisor/children/child.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "shared/ipc/role_arguments.hpp"

namespace temporal::supervisor::children {
namespace {

namespace asio = boost::asio;
namespace v1 = temporal::child::v1;
using asio::posix::stream_descriptor;
using ipc::RecordType;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr auto kReportWait = milliseconds(100);

bool is_dumping(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("CoreDumping:")) return line.ends_with("1");
  return false;
}

void close(stream_descriptor& descriptor) {
  boost::system::error_code ignored;
  descriptor.close(ignored);
}

}  // namespace

std::shared_ptr<Child> Child::spawn(asio::any_io_executor core, ZygoteLink& zygote,
                                    std::uint32_t incarnation, const std::string& fingerprint,
                                    const ChildSettings& settings, const Lifespan& lifespan,
                                    ChildOwner& owner, Logger& log) {
  auto arena = ipc::SupervisorArena::create(incarnation, settings.ring_capacity);
  auto sockets = ipc::socket_pair();
  auto ears = owner.ears();
  ipc::UniqueFd child_bell = ipc::create_bell(), supervisor_bell = ipc::create_bell();
  const ipc::UniqueFd ear = ipc::create_ear(child_bell.get());
  if (!arena || !sockets || !ears || !ear || !supervisor_bell) return nullptr;
  auto& [bulk, bulk_of_child] = *sockets;
  // Only this end: the child may wait.
  ::fcntl(bulk.get(), F_SETFL, O_NONBLOCK);
  auto pipe = Output::open(core);
  if (!pipe.output) return nullptr;

  std::array<int, 6> attached{arena->down_fd(),      arena->up_fd(),    ear.get(),
                              supervisor_bell.get(), pipe.writer.get(), bulk_of_child.get()};
  v1::ToZygote message;
  message.mutable_spawn()->set_incarnation(incarnation);
  message.mutable_spawn()->set_nice(settings.nice);
  message.mutable_spawn()->set_oom_score_adj(settings.oom_score_adj);
  message.mutable_spawn()->set_largest_bulk(settings.largest_bulk);
  message.mutable_spawn()->set_memory(settings.memory);
  if (settings.core) message.mutable_spawn()->set_core(*settings.core);
  // Before it is asked for: a child that is quick rings only for who sleeps by then.
  std::shared_ptr<Child> child(new Child(
      core,
      Parts{std::move(*arena), std::move(child_bell), std::move(supervisor_bell), std::move(bulk),
            std::move(ears), zygote.weak_from_this(), incarnation, fingerprint, settings, lifespan},
      owner, log));
  child->output_ = std::move(pipe.output);
  if (!child->listen()) return nullptr;
  if (!zygote.send(message, attached)) {
    child->leave_bell();
    return nullptr;
  }
  child->parts_.arena.close_descriptors();
  child->output_->start([child = child.get()](std::string_view line) {
    LogFields fields{{"from", "child"}, {"pid", child->pid()}};
    if (child->attempt_) fields["activity_type"] = child->activity_type_;
    child->log_.info(line, fields);
  });
  return child;
}

Child::Child(asio::any_io_executor core, Parts parts, ChildOwner& owner, Logger& log)
    : owner_(owner),
      log_(log),
      parts_(std::move(parts)),
      channel_(ipc::supervisor_ends(parts_.arena, parts_.child_bell.get(), parts_.bulk.get()),
               parts_.settings.largest_bulk),
      cancel_(parts_.arena.control().cancel),
      heartbeats_(parts_.arena.heartbeat()),
      heartbeat_bell_(parts_.arena.control().heartbeat_bell),
      pidfd_(core),
      rest_(core),
      hearing_(parts_.settings.lost_after),
      ladder_(parts_.settings.term_grace),
      trim_timer_(core) {
  death_.incarnation = parts_.incarnation;
  channel_.about_to_sleep();
}

Child::~Child() {
  // Its coroutine may end with the completion, and must not come back here.
  if (attempt_) attempt_->child_ = nullptr;
  if (output_) output_->close();
}

void Child::abandon() {
  state_ = State::gone;
  // The waiting coroutine holds this child, and this child holds the coroutine: one has to let go.
  auto coroutine = std::move(completion_);
  trim_timer_.cancel();
  close_bell();
  rest_.cancel();
  close(pidfd_);
  output_->close();
}

void Child::on_spawned(pid_t pid, ipc::UniqueFd pidfd) {
  death_.pid = pid;
  if (pidfd) {  // without one, the zygote's report will do
    pidfd_.assign(pidfd.release());
    wait_death();
  }
  become_idle();
}

void Child::on_spawn_failed(const std::string& why) {
  log_.error("the zygote cannot fork a child", {{"why", why}});
  dead_ = reported_ = true;
  finish();
}

void Child::on_exited(const v1::Exited& exited) {
  if (state_ == State::gone) return;
  death_.wait_status = exited.wait_status();
  death_.max_rss_kb = exited.max_rss_kb();
  reported_ = true;
  if (exited.grandchildren_killed() > 0)
    log_.info("killed what a child left running",
              {{"pid", exited.pid()}, {"processes", exited.grandchildren_killed()}});
  on_death();
}

void Child::on_zygote_gone() {
  if (state_ == State::gone) return;
  death_.zygote_died = true;
  if (dead_ || died_with_zygote()) on_death();
}

// Where there is no pidfd. It comes to this process then, and waits here to be reaped.
bool Child::died_with_zygote() const {
  if (dead_ || !death_.zygote_died || pidfd_.is_open()) return false;
  siginfo_t info{};
  return pid() == 0 ||
         ::waitid(P_PID, static_cast<id_t>(pid()), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         info.si_pid != 0;
}

void Child::quit(std::string_view why) {
  if (state_ != State::idle) return;
  state_ = State::leaving;
  left_for_ = why;
  told_to_leave_ = Clock::now();
  if (channel_.send(RecordType::quit, v1::Quit()) != ipc::Send::done)
    kill(KillReason::worker_shutdown);
}

void Child::notify_shutdown() { ipc::raise_notice(parts_.arena.control().notice); }

void Child::terminate(KillReason reason) {
  if (state_ == State::gone) return;
  if (!death_.killed_for) death_.killed_for = reason;
  state_ = State::killing;
  if (attempt_ && attempt_->term_grace) ladder_.allow(*attempt_->term_grace);
  signal(ladder_.terminate(Clock::now()));
}

void Child::kill(KillReason reason) {
  if (state_ == State::gone) return;
  if (!death_.killed_for) death_.killed_for = reason;
  state_ = State::killing;
  signal(ladder_.kill(Clock::now()));
}

void Child::corrupt(const std::string& fault) {
  if (state_ == State::gone || death_.killed_for == KillReason::corrupt) return;
  log_.error("a child wrote garbage into shared memory and is killed",
             {{"pid", pid()}, {"fault", fault}});
  death_.fault = fault;
  death_.killed_for = KillReason::corrupt;
  kill(KillReason::corrupt);
}

void Child::signal(int number) {
  if (number == 0 || dead_) return;
  ++(number == SIGKILL ? kills_ : terms_);
  // By whom it cannot hit another process: by pidfd, or where that is denied by its parent.
  if (pidfd_.is_open() &&
      (::syscall(SYS_pidfd_send_signal, pidfd_.native_handle(), number, nullptr, 0) == 0 ||
       errno == ESRCH))
    return;
  v1::ToZygote message;
  message.mutable_kill()->set_incarnation(incarnation());
  message.mutable_kill()->set_signal(number);
  if (auto zygote = parts_.zygote.lock(); zygote && !zygote->send(message))
    log_.warn("cannot ask the zygote to kill a child", {{"pid", pid()}});
}

void Child::sweep(Clock::time_point now) {
  if (state_ == State::gone) return;
  if (!dead_) {
    drain();
    look_for_heartbeat();
  }
  if (died_with_zygote()) return on_death();
  if (state_ == State::starting && now - born_ >= parts_.settings.ready_timeout) {
    log_.error("a child did not become ready in time", {{"pid", pid()}});
    kill(KillReason::timed_out);
  }
  if (state_ == State::idle || state_ == State::busy) look_whether_it_hears(now);
  if (state_ == State::leaving && now - *told_to_leave_ >= parts_.settings.leave_timeout)
    terminate(KillReason::worker_shutdown);
  signal(ladder_.tick(now));
  // It has said where it crashed, and will be at this for as long as its memory is large: nobody waits for it.
  if (!dead_ && parts_.arena.crash().written.load() != 0 && is_dumping(pid())) {
    death_.dumps_core = reported_ = true;
    return on_death();
  }
  if (dead_ && now - died_at_ >= kReportWait) finish();
  if (ladder_.state() == KillLadder::State::lost) {
    death_.stuck = true;
    finish();
  }
}

void Child::wait_death() {
  pidfd_.async_wait(stream_descriptor::wait_read,
                    [self = shared_from_this()](boost::system::error_code error) {
                      if (error || self->state_ == State::gone) return;
                      if (!has_ended(self->pidfd_.native_handle())) return self->wait_death();
                      self->on_death();
                    });
}

// What was published before the death counts: rings and slot are read to their end before anybody asks how it died.
void Child::on_death() {
  if (!dead_) {
    dead_ = true;
    died_at_ = Clock::now();
    if (!channel_.fault()) drain();
    state_ = State::killing;  // nobody may give it a task while the report is awaited
  }
  if (death_.zygote_died && !reported_) reap_adopted();
  if (reported_) finish();
}

// A dead zygote's children come to this process, if it is a subreaper.
void Child::reap_adopted() {
  reported_ = true;
  if (pid() == 0) return;
  const auto type = pidfd_.is_open() ? P_PIDFD : P_PID;
  const auto id = static_cast<id_t>(pidfd_.is_open() ? pidfd_.native_handle() : pid());
  siginfo_t info{};
  if (::waitid(type, id, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
  ::kill(-info.si_pid, SIGKILL);  // the zombie still reserves its group
  rusage usage{};
  if (::syscall(SYS_waitid, type, id, &info, WEXITED | WNOHANG, &usage) != 0) return;
  death_.max_rss_kb = usage.ru_maxrss;
  death_.wait_status = info.si_code == CLD_EXITED   ? info.si_status << 8
                       : info.si_code == CLD_DUMPED ? info.si_status | 0x80
                                                    : info.si_status;
}

bool Child::killed_by_nobody_here() const {
  if (death_.killed_for || death_.zygote_died || death_.stuck) return false;
  // Without a status: a zygote that has no memory either is late to report.
  const auto status = death_.wait_status;
  return status ? WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL
                : parts_.arena.crash().written.load() == 0;
}

void Child::finish() {
  if (state_ == State::gone || reading_) return;  // what is being read is its last word
  auto self = shared_from_this();                 // the owner lets go of it below
  state_ = State::gone;
  auto now = Clock::now();
  death_.uptime = duration_cast<milliseconds>(now - born_);
  output_->drain();
  death_.stderr_tail = output_->tail();
  death_.out_of_memory = killed_by_nobody_here() && owner_.killed_for_memory();
  if (completion_) {
    death_.task_time = duration_cast<milliseconds>(now - task_since_);
    death_.activity_type = activity_type_;
    if (task_was_taken() && !death_.killed_for)
      death_.crash = ipc::read_crash(parts_.arena.crash());
    // What it takes to give names to a crash is not for its replacement to wait for.
    if (!death_.crash) fail_task();
  }
  trim_timer_.cancel();
  close_bell();
  rest_.cancel();
  close(pidfd_);
  output_->close();

  Gone how = Gone::crash;
  if (!was_ready_)
    how = Gone::boot_crash;
  else if (death_.killed_for && !at_fault())
    how = Gone::expected;
  else if (told_to_leave_ && death_.wait_status && WIFEXITED(*death_.wait_status) &&
           WEXITSTATUS(*death_.wait_status) == role::kExitQuit)
    how = Gone::expected;
  if (death_.crash)
    owner_.name_stack(*this, death_.crash->frames, [self](NamedStack stack) {
      self->death_.stack = std::move(stack);
      self->fail_task();
    });
  owner_.on_gone(*this, how, death_);
}

void Child::fail_task() {
  if (death_.killed_for == KillReason::cancelled)
    finish_task({Canceled{killed_after_grace()}});
  else
    finish_task({Died{failure_of(death_), death_.killed_for && !at_fault()}, task_was_taken()});
}

}  // namespace temporal::supervisor::children
