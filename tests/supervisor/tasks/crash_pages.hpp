// SPDX-License-Identifier: MIT
// Pages of crashes that never were.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <string>

#include "supervisor/tasks/poisoned_runs.hpp"
#include "supervisor/threads/crash_page.hpp"
#include "tests/support/folder.hpp"

namespace temporal::test {

class CrashPages {
 public:
  [[nodiscard]] supervisor::CrashHistory history(std::string queue = "queue",
                                                 std::string build = "one") const {
    return {.folder = folder_.path(),
            .name_space = "shop",
            .task_queue = std::move(queue),
            .build = std::move(build)};
  }
  // That run's code crashed a worker of that history then, while it had that task.
  void add(const supervisor::CrashHistory& of, const std::string& run_id, const std::string& token,
           std::chrono::system_clock::time_point at) const {
    using namespace std::chrono;
    supervisor::CrashPage page;
    page.at_ms = duration_cast<milliseconds>(at.time_since_epoch()).count();
    page.signal = SIGABRT;
    page.task = supervisor::TaskRecord(
        {.workflow_type = "Deadly", .workflow_id = "workflow", .run_id = run_id});
    // Long ago: it takes no page away.
    const auto epoch = [] { return supervisor::PoisonedRuns::Time(); };
    page.note.add(supervisor::PoisonedRuns(of, epoch).note(token));
    page.stack.add("die at deadly.cpp:3\nrun at deadly.cpp:7\n");
    REQUIRE(supervisor::CrashFile(of.folder).write(page));
  }
  [[nodiscard]] std::size_t left() const {
    return supervisor::read_crash_pages(folder_.path()).size();
  }

 private:
  Folder folder_;
};

}  // namespace temporal::test
