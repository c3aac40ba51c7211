// SPDX-License-Identifier: MIT
// A child's end: what it left is read, how it died is learnt, its task is answered for, its owner told. Of several places in one
// process, which is to blame.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "shared/ipc/role_arguments.hpp"
#include "supervisor/children/child.hpp"

namespace temporal::supervisor::children {
namespace {

using boost::asio::posix::stream_descriptor;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

void close(stream_descriptor& descriptor) {
  boost::system::error_code ignored;
  descriptor.close(ignored);
}

}  // namespace

void Child::abandon() {
  state_ = State::gone;
  // The waiting coroutine holds this child, and this child holds the coroutine: one has to let go.
  auto coroutine = std::move(completion_);
  trim_timer_.cancel();
  close_bell();
  rest_.cancel();
  close(pidfd_);
  process_->output->close();
}

// Where there is no pidfd. It comes to this process then, and waits here to be reaped.
bool Child::died_with_zygote() const {
  if (dead_ || !death_.zygote_died || pidfd_.is_open()) return false;
  siginfo_t info{};
  return pid() == 0 ||
         ::waitid(P_PID, static_cast<id_t>(pid()), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         info.si_pid != 0;
}

void Child::wait_death() {
  pidfd_.async_wait(stream_descriptor::wait_read,
                    [self = shared_from_this()](boost::system::error_code error) {
                      if (error || self->state_ == State::gone) return;
                      if (!has_ended(self->pidfd_.native_handle())) return self->wait_death();
                      for (const auto& place : self->places()) place->on_death();
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
  // The others of its process find nothing left to reap.
  for (auto* place : process_->places) {
    place->death_.max_rss_kb = usage.ru_maxrss;
    place->death_.wait_status = info.si_code == CLD_EXITED   ? info.si_status << 8
                                : info.si_code == CLD_DUMPED ? info.si_status | 0x80
                                                             : info.si_status;
  }
}

bool Child::killed_by_nobody_here() const {
  if (death_.killed_for || process_->culprit || death_.zygote_died || death_.stuck) return false;
  // Without a status: a zygote that has no memory either is late to report.
  const auto status = death_.wait_status;
  return status ? WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL
                : parts_.arena.crash().written.load() == 0;
}

bool Child::killed_for_memory() {
  if (!killed_by_nobody_here()) return false;
  auto& known = process_->out_of_memory;
  if (!known) known = process_->memory ? process_->memory->killed : owner_.killed_for_memory();
  return *known;
}

// Once, when the first of its places has seen the end. Who was killed is known already. Else it is who called exit(): what crashed
// then is what exit() took away. _exit() says nothing, and a thread that an activity started may be anybody's.
void Child::judge_process() const {
  auto& process = *process_;
  if (process.teller) return;
  const auto blame = [&](const Child& place, std::string_view why) {
    process.blame({place.incarnation(), place.completion_ ? place.activity_type_ : "", why});
  };
  if (process.made > 1) {
    for (const auto* place : process.places)
      if (place->parts_.arena.crash().exits.load() != 0) blame(*place, "exited");
    for (const auto* place : process.places) {
      auto crash = ipc::read_crash(place->parts_.arena.crash());
      if (crash && !crash->stranger) blame(*place, "crashed");
      if (crash && crash->stranger) process.strangers_crash = std::move(crash);
    }
  }
  process.teller = process.culprit ? process.culprit->incarnation : process.first;
}

std::optional<ipc::Crash> Child::own_crash() const {
  auto crash = ipc::read_crash(parts_.arena.crash());
  const auto& culprit = process_->culprit;
  if (process_->made == 1 || !culprit) return crash ? crash : process_->strangers_crash;
  // Others crash for what exit() destroys.
  const bool counts = culprit->incarnation == incarnation() || culprit->why != "exited";
  return crash && !crash->stranger && counts ? crash : std::nullopt;
}

// Once, before it is gone with all that was counted in it.
void Child::end_cgroup() {
  const auto cgroup = std::exchange(process_->cgroup, {});
  if (cgroup.empty()) return;
  process_->memory = memory_of(cgroup);
  owner_.end_cgroup(cgroup, !death_.dumps_core && !death_.stuck);
}

void Child::finish() {
  if (state_ == State::gone || reading_) return;  // what is being read is its last word
  auto self = shared_from_this();                 // the owner lets go of it below
  state_ = State::gone;
  auto now = Clock::now();
  death_.uptime = duration_cast<milliseconds>(now - born_);
  process_->output->drain();
  death_.stderr_tail = process_->output->tail();
  judge_process();
  end_cgroup();
  death_.memory = process_->memory;
  death_.out_of_memory = killed_for_memory();
  death_.told = process_->teller != incarnation();
  if (completion_) {
    death_.task_time = duration_cast<milliseconds>(now - task_since_);
    death_.activity_type = activity_type_;
    death_.memory_limit = memory_limit_;
    if (task_was_taken() && !death_.killed_for) death_.crash = own_crash();
    if (death_.told && process_->culprit && !death_.killed_for && !death_.crash)
      death_.beside = *process_->culprit;
    // What it takes to give names to a crash is not for its replacement to wait for.
    if (!death_.crash) fail_task();
  }
  trim_timer_.cancel();
  close_bell();
  rest_.cancel();
  close(pidfd_);
  process_->output->close();

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
    finish_task(
        {Died{failure_of(death_), death_.killed_for && !at_fault(), death_.beside.has_value()},
         task_was_taken()});
}

}  // namespace temporal::supervisor::children
