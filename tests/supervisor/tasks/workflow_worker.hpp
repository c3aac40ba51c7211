// SPDX-License-Identifier: MIT
// Workflow tasks from a fake server, with the real engine on real workflow threads.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "supervisor/tasks/workflow_tasks.hpp"
#include "tests/fake_server/fake_clock.hpp"
#include "tests/fake_server/fake_service.hpp"
#include "tests/fake_server/recording_log.hpp"
#include "tests/supervisor/rpc/run.hpp"

namespace temporal::test {

struct WorkflowWorker {
  struct Settings {
    std::chrono::milliseconds deadline{10'000};
    int places = 10;
    std::optional<supervisor::StickyQueue> sticky{};
    DeterminismGuard guard = DeterminismGuard::fail;
    std::size_t max_run_bytes = 0;
    supervisor::CrashHistory crashes{};
  };

  WorkflowWorker(ModuleFunction fill, Settings settings)
      : permits(core, settings.places), threads(core, 1, settings.deadline) {
    fill(module);
    tasks = std::make_unique<supervisor::WorkflowTasks>(
        core,
        supervisor::WorkflowQueue{.name_space = "shop",
                                  .task_queue = "queue",
                                  .identity = "1@host",
                                  .worker_instance_key = "key",
                                  .pollers = 2,
                                  .deadlock_timeout = settings.deadline,
                                  .determinism_guard = settings.guard,
                                  .sticky = std::move(settings.sticky),
                                  .max_run_bytes = settings.max_run_bytes,
                                  .crashes = std::move(settings.crashes)},
        module, service, threads, locals, permits, log, metrics);
    tasks->start([this](const std::exception_ptr&) { ++failures; });
  }
  WorkflowWorker(const WorkflowWorker&) = delete;
  WorkflowWorker& operator=(const WorkflowWorker&) = delete;
  ~WorkflowWorker() {
    tasks->forget_runs();
    run(loop, tasks->end_polling(std::chrono::seconds(0)));
    run(loop, tasks->drained());
  }

  // Runs the task to its answer, or to the end without one.
  void serve(ws::PollWorkflowTaskQueueResponse given) {
    serve_from(service.open_polls, [&] { service.deliver(std::move(given)); });
  }
  void serve_sticky(ws::PollWorkflowTaskQueueResponse given) {
    serve_from(service.open_sticky_polls, [&] { service.deliver_sticky(std::move(given)); });
  }
  template <class Deliver>
  void serve_from(const int& open_polls, Deliver deliver) {
    settle(loop);  // so that no poll begins but the one after the task
    while (open_polls == 0) loop.run_one();
    // The poll that brings the task ends; the next one, if there is one, may come after the answer.
    const int polls = service.polls, open = service.open_polls;
    deliver();
    while ((service.polls == polls && service.open_polls == open) || tasks->running() > 0)
      loop.run_one();
  }

  boost::asio::io_context loop{1};
  boost::asio::any_io_executor core = loop.get_executor();
  FakeService service{loop};
  RecordingLog log;
  supervisor::MetricRegistry registry;
  supervisor::WorkerMetrics metrics{registry, "shop", "queue", log};
  Module module;
  supervisor::LocalCalls locals{
      {.core = core, .metrics = metrics, .log = log, .name_space = "shop"}, module, {}};
  supervisor::Permits permits;
  supervisor::WorkflowThreads threads;
  std::unique_ptr<supervisor::WorkflowTasks> tasks;
  int failures = 0;
};

}  // namespace temporal::test
