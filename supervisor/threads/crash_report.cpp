// SPDX-License-Identifier: MIT
#include "supervisor/threads/crash_report.hpp"

#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>

#include "shared/exception_text.hpp"
#include "shared/faults.hpp"
#include "shared/guarded_step.hpp"
#include "shared/interrupted.hpp"
#include "supervisor/threads/crash_page.hpp"
#include "supervisor/threads/report_fields.hpp"
#include "supervisor/threads/stacks.hpp"
#include "supervisor/threads/symbols.hpp"

namespace temporal::supervisor {

namespace {

constexpr int kPatienceMs = 2000;         // of the handler, with the watchdog
constexpr int kPatienceForPageMs = 5000;  // when nothing is lost by it, and names are worth more
constexpr int kOthersPatienceMs = 7000;   // of threads that crash while one is being reported

// What a handler may write. One is enough: the process ends with its first crash.
struct Crash {
  std::atomic<pid_t> thread = 0;  // whose crash it is
  int signal = 0;
  pid_t sender = 0;  // another process that sent the signal
  std::uintptr_t address = 0;
  bool has_address = false;
  bool stack_overflow = false;
  std::array<char, 16> thread_name{};
  std::array<char, 512> exception{};  // by the terminate handler, before the signal
  ThreadSnapshot snapshot;
  std::atomic<bool> has_snapshot = false;
  // SYNC handler → watchdog: the page is complete · watchdog → handler: the line is written.
  std::atomic<bool> written = false, reported = false;
  std::atomic<bool> raw = false;
  bool kept = false;  // in a file
};
static_assert(std::atomic<pid_t>::is_always_lock_free);
Crash page;
// What is kept of it, and where.
CrashPage kept;
CrashFile crash_file;
std::atomic<const Watchdog*> reporter = nullptr;

void fill_page(int signal, const siginfo_t& info, ucontext_t& context) noexcept {
  page.signal = signal;
  ::prctl(PR_GET_NAME, page.thread_name.data());
  if (is_fault(info)) {
    page.address = reinterpret_cast<std::uintptr_t>(info.si_addr);
    page.has_address = true;
    page.stack_overflow = is_stack_overflow(info, context);
  } else if (info.si_pid != ::getpid()) {
    page.sender = info.si_pid;
  }
  take_snapshot(page.snapshot, context);
  page.has_snapshot = true;
}

bool wait_until(const std::atomic<bool>& done, int patience_ms) noexcept {
  const timespec millisecond{0, 1'000'000};
  for (int waited = 0; !done && waited < patience_ms; ++waited)
    ::clock_nanosleep(CLOCK_MONOTONIC, 0, &millisecond, nullptr);
  return done;
}

// A line put together without memory from anywhere.
class RawLine {
 public:
  void add(std::string_view text) noexcept {
    text = text.substr(0, buffer_.size() - 1 - size_);
    std::ranges::copy(text, buffer_.data() + size_);
    size_ += text.size();
  }
  void add_field(std::string_view name, std::string_view value) noexcept {
    if (value.empty()) return;
    add("  ");
    add(name);
    add("=");
    add(value);
  }
  void write() noexcept {
    buffer_[size_++] = '\n';
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, buffer_.data(), size_);
  }

 private:
  std::array<char, 6000> buffer_{};
  std::size_t size_ = 0;
};

using Place = KeptText<128>;

void add_hex(Place& place, std::uintptr_t number) noexcept {
  std::array<char, 20> digits{'0', 'x'};
  const auto end = std::to_chars(digits.data() + 2, digits.data() + digits.size(), number, 16);
  place.add({digits.data(), static_cast<std::size_t>(end.ptr - digits.data())});
}

Place place_of(std::uintptr_t address) noexcept {
  Place place;
  dl_find_object object{};
  if (::_dl_find_object(reinterpret_cast<void*>(address), &object) != 0) {
    add_hex(place, address);
    return place;
  }
  const std::string_view path = object.dlfo_link_map->l_name;
  place.add(path.empty() ? "program" : path.substr(path.rfind('/') + 1));
  place.add("+");
  add_hex(place, address - object.dlfo_link_map->l_addr);
  return place;
}

// As much as can be said inside the handler: names may come too late, or never.
void keep_raw() noexcept {
  const auto* slot = TaskSlot::in_handler();
  const auto* step = slot ? slot->current() : nullptr;
  if (!step || step->task().note().empty()) return;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  kept.at_ms = std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
  kept.signal = page.signal;
  kept.stack_overflow = page.stack_overflow;
  kept.task = step->task().record();
  kept.exception.add(page.exception.data());
  kept.note.add(step->task().note());
  for (auto address : page.snapshot.stack()) {
    kept.stack.add(place_of(address).view());
    kept.stack.add("\n");
  }
  page.kept = crash_file.write(kept);
}

// The same with names.
void keep_named() {
  if (!page.kept) return;
  kept.stack.clear();
  for (const auto& line : printed(page.snapshot)) kept.stack.add(line + "\n");
  (void)crash_file.write(kept);
}

void write_raw() noexcept {
  if (page.raw.exchange(true)) return;
  RawLine line;
  line.add("temporal-supervisor: the worker crashed and ends now  signal=SIG");
  line.add(::sigabbrev_np(page.signal));
  line.add_field("thread", page.thread_name.data());
  line.add_field("exception", page.exception.data());
  if (page.stack_overflow) line.add_field("reason", "stack overflow");
  if (page.has_snapshot) {
    const auto& snapshot = page.snapshot;
    if (snapshot.has_task) {
      const auto task = snapshot.task.fields();
      line.add_field("activity_type", task.activity_type);
      line.add_field("activity_id", task.activity_id);
      line.add_field("workflow_type", task.workflow_type);
      line.add_field("workflow_id", task.workflow_id);
      line.add_field("run_id", task.run_id);
    }
    line.add("  stack=");
    for (auto address : snapshot.stack()) {
      line.add(" ");
      line.add(place_of(address).view());
    }
  }
  line.write();
}

void on_crash(int signal, siginfo_t* info, void* context) {
  const pid_t me = ::gettid();
  pid_t other = 0;
  detail::guarded_step = nullptr;  // what follows is ours
  if (page.thread.compare_exchange_strong(other, me)) {
    fill_page(signal, *info, *static_cast<ucontext_t*>(context));
    keep_raw();
    page.written = true;
    const auto* watchdog = reporter.load();
    const bool can_answer = watchdog && me != watchdog->thread();
    if (can_answer) watchdog->ring();
    const int patience = page.kept ? kPatienceForPageMs : kPatienceMs;
    if (!can_answer || !wait_until(page.reported, patience)) write_raw();
  } else if (other == me) {
    write_raw();  // the handler itself crashed
  } else {
    wait_until(page.reported, kOthersPatienceMs);
  }
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
  ::syscall(SYS_tgkill, ::getpid(), me, signal);
}

void report(Logger& log) {
  if (!page.written || page.reported) return;
  LogFields line{{"signal", std::string("SIG") + ::sigabbrev_np(page.signal)},
                 {"thread", page.thread_name.data()}};
  if (page.sender != 0) line["sender_pid"] = page.sender;
  if (page.stack_overflow) line["reason"] = "stack overflow";
  if (page.exception[0] != '\0') line["exception"] = page.exception.data();
  if (page.has_address) {
    std::array<char, 24> address{};
    std::snprintf(address.data(), address.size(), "0x%zx", page.address);
    line["address"] = address.data();
  }
  add_snapshot(line, page.snapshot);
  log.error(
      page.snapshot.has_task
          ? "a task crashed the worker, which ends now; in a child it would have cost one attempt"
          : "the worker crashed and ends now",
      line);
  keep_named();
  page.reported = true;
}

std::terminate_handler terminate_before = nullptr;

// std::terminate ends in SIGABRT, whose handler must not ask what was thrown.
[[noreturn]] void on_terminate() {
  describe_current_exception(page.exception);
  if (terminate_before) terminate_before();
  std::abort();
}

}  // namespace

const bool CrashReports::kAvailable = kCrashesAreOurs;

class CrashReports::Impl {
 public:
  Impl(Watchdog& watchdog, Logger& log, const std::filesystem::path& pages) : watchdog_(watchdog) {
    crash_file = CrashFile(pages);
    prepare_stacks();
    watchdog_.on_ring([&log] { report(log); });
    reporter = &watchdog_;
    terminate_before = std::set_terminate(on_terminate);
    const auto action = fault_action(on_crash);
    for (std::size_t i = 0; i < kFaults.size(); ++i) ::sigaction(kFaults[i], &action, &before_[i]);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    for (std::size_t i = 0; i < kFaults.size(); ++i) ::sigaction(kFaults[i], &before_[i], nullptr);
    std::set_terminate(terminate_before);
    reporter = nullptr;
    watchdog_.on_ring({});
  }

 private:
  Watchdog& watchdog_;
  AlternateStack alternate_stack_;
  std::array<struct sigaction, kFaults.size()> before_{};
};

CrashReports::CrashReports(Watchdog& watchdog, Logger& log, const std::filesystem::path& pages)
    : impl_(kAvailable ? std::make_unique<Impl>(watchdog, log, pages) : nullptr) {}

CrashReports::~CrashReports() = default;

}  // namespace temporal::supervisor
