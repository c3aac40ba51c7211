// SPDX-License-Identifier: MIT
#include "supervisor/threads/workflow_threads.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/alternate_stack.hpp"
#include "supervisor/wakeup.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace {
constexpr std::chrono::milliseconds kLook{100};
}

struct WorkflowThreads::Job {
  Job(asio::any_io_executor core, std::uint64_t ticket, Work closure,
      std::shared_ptr<const TaskIdentity> identity)
      : number(ticket),
        done(std::move(core)),
        work(std::move(closure)),
        task(std::move(identity)) {}
  bool watched = true;
  const std::uint64_t number;  // from 1; the address may be that of an earlier job
  Wakeup done;
  Work work;
  const std::shared_ptr<const TaskIdentity> task;
  bool finished = false;
  bool overstayed = false;
  std::vector<std::string> stack;
};

struct WorkflowThreads::Queue {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::shared_ptr<Job>> jobs;
  bool closed = false;
};

struct WorkflowThreads::Worker {
  std::thread thread;
  std::atomic<pid_t> id = 0;
  std::mutex mutex;  // guards `job`: looked at ten times a second
  std::shared_ptr<Job> job;
  std::atomic<bool> lost = false;
  // The watch's own: which job it saw last, and for how long in all.
  std::uint64_t seen = 0;
  std::chrono::steady_clock::duration seen_for{};
};

WorkflowThreads::WorkflowThreads(asio::any_io_executor core, int count,
                                 std::chrono::milliseconds deadline, StackOf stack_of)
    : core_(core),
      deadline_(deadline),
      stack_of_(std::move(stack_of)),
      watch_(core),
      queue_(std::make_shared<Queue>()) {
  for (int i = 0; i < count; ++i) start_worker();
}

WorkflowThreads::~WorkflowThreads() {
  {
    std::lock_guard lock(queue_->mutex);
    queue_->closed = true;
  }
  queue_->wake.notify_all();
  for (auto& worker : workers_) worker->thread.join();
}

void WorkflowThreads::start_worker() {
  auto worker = std::make_shared<Worker>();
  workers_.push_back(worker);
  worker->thread = std::thread([worker, queue = queue_, core = core_, lost = lost_] {
    ::pthread_setname_np(::pthread_self(), "workflow");
    worker->id = ::gettid();
    const AlternateStack stack;
    while (!worker->lost) {
      std::shared_ptr<Job> job;
      {
        std::unique_lock lock(queue->mutex);
        queue->wake.wait(lock, [&] { return queue->closed || !queue->jobs.empty(); });
        if (queue->jobs.empty()) return;
        job = std::move(queue->jobs.front());
        queue->jobs.pop_front();
      }
      {
        std::lock_guard lock(worker->mutex);
        worker->job = job;
      }
      {
        std::optional<CurrentTask> step;
        if (job->task) step.emplace(*job->task);
        job->work();
        job->work = nullptr;  // what it held is released here, not on the core loop
      }
      {
        std::lock_guard lock(worker->mutex);
        worker->job = nullptr;
      }
      if (worker->lost) --*lost;
      asio::post(core, [job = std::move(job)] {
        job->finished = true;
        job->done.notify();
      });
    }
  });
}

asio::awaitable<WorkflowThreads::End> WorkflowThreads::run(
    Work work, std::shared_ptr<const TaskIdentity> task) {
  return run(std::make_shared<Job>(core_, ++jobs_, std::move(work), std::move(task)));
}

asio::awaitable<void> WorkflowThreads::run_unwatched(Work work) {
  auto job = std::make_shared<Job>(core_, ++jobs_, std::move(work), nullptr);
  job->watched = false;
  co_await run(std::move(job));
}

asio::awaitable<WorkflowThreads::End> WorkflowThreads::run(std::shared_ptr<Job> job) {
  {
    std::lock_guard lock(queue_->mutex);
    queue_->jobs.push_back(job);
  }
  queue_->wake.notify_one();
  ++running_;
  if (!watching_ && deadline_.count() > 0) {
    watching_ = true;
    last_look_ = std::chrono::steady_clock::now();
    look_at_workers();
  }
  while (!job->finished && !job->overstayed) co_await job->done.wait();
  if (--running_ == 0) {
    watching_ = false;
    watch_.cancel();
  }
  End end;
  end.returned = job->finished;
  end.stack = std::move(job->stack);
  co_return end;
}

void WorkflowThreads::look_at_workers() {
  watch_.expires_after(kLook);
  watch_.async_wait([this](boost::system::error_code error) {
    if (error || !watching_) return;
    const auto now = std::chrono::steady_clock::now();
    // Time in which this watch did not run either (SIGSTOP, a starved machine) is nobody's fault.
    const auto passed = std::min<std::chrono::steady_clock::duration>(now - last_look_, 2 * kLook);
    last_look_ = now;
    std::vector<std::shared_ptr<Worker>> overstaying;
    for (auto& worker : workers_) {
      std::lock_guard lock(worker->mutex);
      const auto number = worker->job && worker->job->watched ? worker->job->number : 0;
      if (number == 0 || number != worker->seen) {
        worker->seen = number;
        worker->seen_for = {};
      } else if ((worker->seen_for += passed) >= deadline_) {
        worker->lost = true;  // while it cannot go on to another job
        overstaying.push_back(worker);
      }
    }
    for (auto& worker : overstaying) {
      give_up(worker->job, worker->id);
      replace(*worker);
    }
    look_at_workers();
  });
}

// When it is known what it does instead.
void WorkflowThreads::give_up(std::shared_ptr<Job> job, pid_t thread) {
  if (!stack_of_) {
    job->overstayed = true;
    return job->done.notify();
  }
  stack_of_(thread, [job = std::move(job), core = core_](std::vector<std::string> stack) {
    asio::post(core, [job, stack = std::move(stack)]() mutable {
      job->stack = std::move(stack);
      job->overstayed = true;
      job->done.notify();
    });
  });
}

void WorkflowThreads::replace(Worker& lost) {
  lost.thread.detach();
  ++*lost_;
  workers_.remove_if([&](const auto& candidate) { return candidate.get() == &lost; });
  start_worker();
}

}  // namespace temporal::supervisor
