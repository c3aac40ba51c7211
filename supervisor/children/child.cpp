// SPDX-License-Identifier: MIT
#include "supervisor/children/child.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

namespace temporal::supervisor::children {
namespace {

namespace asio = boost::asio;
namespace v1 = temporal::child::v1;
using ipc::RecordType;
using std::chrono::milliseconds;

constexpr auto kReportWait = milliseconds(100);

bool is_dumping(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("CoreDumping:")) return line.ends_with("1");
  return false;
}

}  // namespace

static_assert(1 + 5 * kMostPlaces <= ipc::kMaxAttached);

struct Child::Ends {
  ipc::UniqueFd ear, bulk;
};

std::vector<std::shared_ptr<Child>> Child::spawn(asio::any_io_executor core, ZygoteLink& zygote,
                                                 std::uint32_t first,
                                                 const std::string& fingerprint,
                                                 const ChildSettings& settings,
                                                 const Lifespan& lifespan, ChildOwner& owner,
                                                 Logger& log) {
  auto pipe = Output::open(core);
  if (!pipe.output) return {};
  const auto places = static_cast<std::uint32_t>(settings.places);
  const auto process =
      std::make_shared<ChildProcess>(ChildProcess{first, places, std::move(pipe.output), lifespan});
  std::vector<std::shared_ptr<Child>> children;
  const auto give_up = [&children] {
    for (const auto& child : children) child->leave_bell();
    return std::vector<std::shared_ptr<Child>>();
  };
  std::vector<Ends> ends;
  std::vector<int> attached{pipe.writer.get()};
  for (auto incarnation = first; incarnation != first + places; ++incarnation) {
    auto arena = ipc::SupervisorArena::create(incarnation, settings.ring_capacity);
    auto sockets = ipc::socket_pair();
    auto ears = owner.ears();
    ipc::UniqueFd child_bell = ipc::create_bell(), supervisor_bell = ipc::create_bell();
    ipc::UniqueFd ear = ipc::create_ear(child_bell.get());
    if (!arena || !sockets || !ears || !ear || !supervisor_bell) return give_up();
    auto& [bulk, bulk_of_child] = *sockets;
    // Only this end: the child may wait.
    ::fcntl(bulk.get(), F_SETFL, O_NONBLOCK);
    for (const int fd :
         {arena->down_fd(), arena->up_fd(), ear.get(), supervisor_bell.get(), bulk_of_child.get()})
      attached.push_back(fd);
    ends.push_back({std::move(ear), std::move(bulk_of_child)});
    // Before it is asked for: a child that is quick rings only for who sleeps by then.
    const auto& child = children.emplace_back(new Child(
        core,
        Parts{std::move(*arena), std::move(child_bell), std::move(supervisor_bell), std::move(bulk),
              std::move(ears), zygote.weak_from_this(), incarnation, fingerprint, settings},
        process, owner, log));
    if (!child->listen()) return give_up();
  }
  v1::ToZygote message;
  message.mutable_spawn()->set_incarnation(first);
  message.mutable_spawn()->set_places(places);
  message.mutable_spawn()->set_nice(settings.nice);
  message.mutable_spawn()->set_oom_score_adj(settings.oom_score_adj);
  message.mutable_spawn()->set_largest_bulk(settings.largest_bulk);
  message.mutable_spawn()->set_memory(settings.memory);
  if (settings.core) message.mutable_spawn()->set_core(*settings.core);
  if (settings.cgroups)
    message.mutable_spawn()->set_cgroup((process->cgroup = settings.cgroups->next()).string());
  if (!zygote.send(message, attached)) return give_up();
  for (const auto& child : children) child->parts_.arena.close_descriptors();
  process->output->start([process = process.get(), &log](std::string_view line) {
    const auto& one = *process->places.front();
    LogFields fields{{"from", "child"}, {"pid", one.pid()}};
    // Who of several printed it, nobody knows.
    if (process->made == 1 && one.attempt_) fields["activity_type"] = one.activity_type_;
    log.info(line, fields);
  });
  return children;
}

Child::Child(asio::any_io_executor core, Parts parts, std::shared_ptr<ChildProcess> process,
             ChildOwner& owner, Logger& log)
    : owner_(owner),
      log_(log),
      parts_(std::move(parts)),
      process_(std::move(process)),
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
  process_->places.push_back(this);
  channel_.about_to_sleep();
}

Child::~Child() {
  // Its coroutine may end with the completion, and must not come back here.
  if (attempt_) attempt_->child_ = nullptr;
  std::erase(process_->places, this);
  if (process_->places.empty()) process_->output->close();
}

std::vector<std::shared_ptr<Child>> Child::places() const {
  std::vector<std::shared_ptr<Child>> all;
  for (auto* place : process_->places) all.push_back(place->shared_from_this());
  return all;
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
  if (incarnation() == process_->first)
    log_.error("the zygote cannot fork a child", {{"why", why}});
  dead_ = reported_ = true;
  finish();
}

void Child::on_exited(const v1::Exited& exited) {
  if (state_ == State::gone) return;
  death_.wait_status = exited.wait_status();
  death_.max_rss_kb = exited.max_rss_kb();
  reported_ = true;
  if (exited.grandchildren_killed() > 0 && incarnation() == process_->first)
    log_.info("killed what a child left running",
              {{"pid", exited.pid()}, {"processes", exited.grandchildren_killed()}});
  on_death();
}

void Child::on_zygote_gone() {
  if (state_ == State::gone) return;
  death_.zygote_died = true;
  if (dead_ || died_with_zygote()) on_death();
}

void Child::quit(std::string_view why) {
  if (state_ != State::idle) return;
  state_ = State::leaving;
  left_for_ = why;
  told_to_leave_ = Clock::now();
  if (channel_.send(RecordType::quit, v1::Quit()) != ipc::Send::done)
    kill(KillReason::worker_shutdown);
}

void Child::dismiss(std::string_view why) {
  if (state_ != State::idle) return;
  if (process_->left_for.empty()) process_->left_for = why;
  for (const auto& place : places()) place->quit(process_->left_for);
}

void Child::notify_shutdown() { ipc::raise_notice(parts_.arena.control().notice); }

void Child::terminate(KillReason reason) {
  if (state_ == State::gone) return;
  // Its task is written for it, and not sent yet: that costs the others nothing.
  if (process_->made > 1 && attempt_ && !completion_) return;
  if (!death_.killed_for) death_.killed_for = reason;
  begin_killing();
  if (attempt_ && attempt_->term_grace) ladder_.allow(*attempt_->term_grace);
  signal(ladder_.terminate(Clock::now()));
}

void Child::kill(KillReason reason) {
  if (state_ == State::gone) return;
  if (!death_.killed_for) death_.killed_for = reason;
  begin_killing();
  signal(ladder_.kill(Clock::now()));
}

void Child::begin_killing() {
  if (!dead_)
    process_->blame({incarnation(), completion_ ? activity_type_ : "", reason_of(death_)});
  for (auto* place : process_->places) {
    if (place->state_ != State::gone) place->state_ = State::killing;
  }
}

bool Child::finishes_for_others() const {
  return !process_->left_for.empty() &&
         std::ranges::any_of(process_->places, [](const Child* place) { return place->attempt_; });
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
  message.mutable_kill()->set_incarnation(process_->first);
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
  if (state_ == State::leaving && all_told_to_leave(now - parts_.settings.leave_timeout))
    terminate(KillReason::worker_shutdown);
  signal(ladder_.tick(now));
  // It has said where it crashed, and will be at this for as long as its memory is large: nobody waits for it.
  if (!dead_ && parts_.arena.crash().written.load() != 0 && is_dumping(pid())) {
    for (const auto& place : places()) {
      place->death_.dumps_core = place->reported_ = true;
      place->on_death();
    }
    return;
  }
  if (dead_ && now - died_at_ >= kReportWait) finish();
  if (ladder_.state() == KillLadder::State::lost)
    for (const auto& place : places()) {
      place->death_.stuck = true;
      place->finish();
    }
}

// Those of its process whose task goes on are waited for.
bool Child::all_told_to_leave(Clock::time_point before) const {
  return std::ranges::all_of(process_->places, [before](const Child* place) {
    return place->told_to_leave_ && *place->told_to_leave_ <= before;
  });
}

}  // namespace temporal::supervisor::children
