// SPDX-License-Identifier: MIT
#include "supervisor/child_groups.hpp"

#include <doctest/doctest.h>

#include "supervisor/options.hpp"

using namespace temporal::supervisor;

namespace {

template <class F>
std::string refusal(F read) {
  try {
    read();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("AX13 a group has a name, children and a queue, and may have cores and memory") {
  const auto group = child_group("gpu=2,queue=video-gpu,cores=0-2+7,memory=2G");
  CHECK(group.name == "gpu");
  CHECK(group.children == 2);
  CHECK(group.task_queue == "video-gpu");
  CHECK(group.cores == std::vector{0, 1, 2, 7});
  CHECK(group.memory == std::size_t{2} << 30);
  const auto plain = child_group("a=1,queue=b");
  CHECK(plain.cores.empty());
  CHECK(plain.children_max == 0);
  CHECK_FALSE(plain.nice);
  const auto elastic = child_group("a=1,queue=b,max=8,nice=0");
  CHECK(elastic.children_max == 8);
  CHECK(elastic.nice == 0);
}

TEST_CASE("AX13 what is no group is refused with what to write") {
  for (const char* wrong :
       {"", "gpu", "gpu=", "=2", "gpu=0,queue=q", "gpu=2000,queue=q", "gpu=x,queue=q"})
    CHECK_MESSAGE(refusal([&] { (void)child_group(wrong); }).find("gpu=2,queue=video-gpu") !=
                      std::string::npos,
                  wrong);
  CHECK(refusal([] { (void)child_group("gpu=2"); }).find("no task queue of its own") !=
        std::string::npos);
  CHECK(refusal([] { (void)child_group("gpu=2,queue=q,colour=red"); }).find("'colour'") == 0);
  CHECK(refusal([] { (void)child_group("gpu=2,queue=q,memory=much"); }).find("'much'") == 0);
  CHECK(refusal([] { (void)child_group("gpu=2,queue=q,max=1"); }).find("group gpu: max=1 is") == 0);
  CHECK(refusal([] { (void)child_group("gpu=2,queue=q,nice=20"); }).find("no number up to 19") !=
        std::string::npos);
  for (const char* wrong : {"x", "3-1", "-", "1-", "99999"})
    CHECK_MESSAGE(!refusal([&] { (void)core_list(wrong); }).empty(), wrong);
}

TEST_CASE(
    "AX13 each group is a worker of its own queue, with the modules and settings of the first") {
  Options worker;
  worker.task_queue = "video";
  worker.children = 4;
  worker.modules = {"libvideo.so"};
  worker.children_max = 6;
  worker.child_nice = 7;
  worker.groups = {child_group("gpu=2,queue=video-gpu,memory=1M"), child_group("io=1,queue=disk"),
                   child_group("night=1,queue=batch,max=2,nice=19")};
  const auto workers = with_groups(worker);
  REQUIRE(workers.size() == 4);
  CHECK(workers[0].task_queue == "video");
  CHECK(workers[0].children == 4);
  CHECK(workers[1].task_queue == "video-gpu");
  CHECK(workers[1].children == 2);
  CHECK(workers[1].child_memory == 1 << 20);
  CHECK(workers[1].activities_only);
  CHECK(workers[2].task_queue == "disk");
  CHECK(workers[2].child_memory == 0);
  CHECK(workers[0].children_max == 6);
  CHECK_MESSAGE(workers[1].children_max == 0, "a group has no more than it asks for");
  CHECK(workers[3].children_max == 2);
  CHECK(workers[3].child_nice == 19);
  for (const auto& one : workers) {
    CHECK((one.child_nice == 7 || one.task_queue == "batch"));
    CHECK(one.modules == worker.modules);
    CHECK(one.groups.empty());
  }
}

TEST_CASE("AX13 a queue that is served already is no group's own") {
  Options worker;
  worker.task_queue = "video";
  for (const char* second : {"b=1,queue=video", "b=1,queue=a"}) {
    worker.groups = {child_group("a=1,queue=a"), child_group(second)};
    CHECK(refusal([&] { (void)with_groups(worker); }).find("is served already") !=
          std::string::npos);
  }
}
