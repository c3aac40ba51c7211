// SPDX-License-Identifier: MIT
#include "supervisor/threads/current_task.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>

using namespace temporal::supervisor;

namespace {

const TaskFields kTranscode{.activity_type = "transcode",
                            .activity_id = "7",
                            .workflow_type = "Video",
                            .workflow_id = "video-42",
                            .run_id = "0191e0a4",
                            .attempt = 3};

}  // namespace

TEST_CASE("a task's record says what was put into it, and cuts what is too long") {
  const TaskRecord record(kTranscode);
  CHECK(record.fields().activity_type == "transcode");
  CHECK(record.fields().workflow_type == "Video");
  CHECK(record.fields().run_id == "0191e0a4");
  CHECK(record.fields().attempt == 3);

  const std::string longest(1000, 'x');
  const TaskRecord cut({longest, longest, longest, longest, longest, 1});
  CHECK(cut.fields().activity_type == longest.substr(0, TaskRecord::kLongest));
  CHECK(cut.fields().run_id == longest.substr(0, TaskRecord::kLongest));
}

TEST_CASE("a thread's slot shows the innermost task, to others too, and nothing between tasks") {
  const TaskIdentity outer(kTranscode);
  const TaskIdentity inner({.activity_type = "greet"});
  const auto slot = TaskSlot::of_this_thread();
  const auto seen = [&] {
    std::string type = "nothing";
    std::thread([&] {
      if (const auto record = slot->read()) type = record->fields().activity_type;
    }).join();
    return type;
  };
  const auto before = slot->steps();
  CHECK(seen() == "nothing");
  {
    const CurrentTask first(outer);
    CHECK(seen() == "transcode");
    {
      const CurrentTask second(inner);
      CHECK(seen() == "greet");
      CHECK(&slot->current()->task() == &inner);
    }
    CHECK(seen() == "transcode");
  }
  CHECK(seen() == "nothing");
  CHECK(slot->current() == nullptr);
  {
    const CurrentTask again(outer);
    CHECK(seen() == "transcode");
  }
  CHECK(slot->steps() - before == 3);
}

TEST_CASE("a slot that changes all the time is never read half changed") {
  const std::string as(200, 'a'), bs(200, 'b');
  const TaskIdentity a({as, as, as, as, as, 1}), b({bs, bs, bs, bs, bs, 2});
  std::atomic<bool> stop = false;
  std::shared_ptr<const TaskSlot> slot;
  std::atomic<bool> ready = false;
  std::thread writer([&] {
    slot = TaskSlot::of_this_thread();
    ready = true;
    while (!stop) {
      { const CurrentTask step(a); }
      { const CurrentTask step(b); }
    }
  });
  while (!ready) std::this_thread::yield();
  int whole = 0;
  while (whole < 1000) {
    const auto record = slot->read();
    if (!record) continue;
    const auto fields = record->fields();
    const auto& expected = fields.attempt == 1 ? as : bs;
    REQUIRE(fields.activity_type == expected);
    REQUIRE(fields.run_id == expected);
    ++whole;
  }
  stop = true;
  writer.join();
}

TEST_CASE("a slot may be read after its thread has ended") {
  std::shared_ptr<const TaskSlot> slot;
  std::thread([&] { slot = TaskSlot::of_this_thread(); }).join();
  CHECK(!slot->read());
}
