// SPDX-License-Identifier: MIT
// One workflow in the four stages of a patch, and what a run says of itself. STAGE is which.
#include <optional>
#include <string>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>
#include <vector>

using namespace std::chrono_literals;
using temporal::Task;
namespace workflow = temporal::workflow;

class Staged {
 public:
  Task<std::string> run() {
    co_await workflow::sleep(1ms);
#if STAGE == 1
    co_await workflow::sleep(10ms);
    const std::string way = "old";
#elif STAGE == 2
    const std::string way = workflow::patched("way") ? "new" : "old";
    if (way == "old") co_await workflow::sleep(10ms);
#elif STAGE == 3
    workflow::deprecate_patch("way");
    const std::string way = "new";
#else
    const std::string way = "new";
#endif
    co_await workflow::wait_condition([this] { return go_; });
    co_await workflow::sleep(20ms);
    co_return way;
  }
  void go() { go_ = true; }

 private:
  bool go_ = false;
};

constexpr temporal::TextKey kText{"StageText"};
constexpr temporal::KeywordKey kKeyword{"StageKeyword"};
constexpr temporal::IntKey kInt{"StageInt"};
constexpr temporal::DoubleKey kDouble{"StageDouble"};
constexpr temporal::BoolKey kBool{"StageBool"};
constexpr temporal::DatetimeKey kDatetime{"StageDatetime"};
constexpr temporal::KeywordListKey kList{"StageList"};

namespace {

nlohmann::json attributes_seen() {
  const auto& now = workflow::search_attributes();
  nlohmann::json seen;
  const auto put = [&seen](const char* name, const auto& value) {
    if (value) seen[name] = *value;
  };
  put("text", now.get(kText));
  put("keyword", now.get(kKeyword));
  put("int", now.get(kInt));
  put("double", now.get(kDouble));
  put("bool", now.get(kBool));
  put("list", now.get(kList));
  if (const auto when = now.get(kDatetime))
    seen["datetime"] =
        std::chrono::duration_cast<std::chrono::milliseconds>(when->time_since_epoch()).count();
  return seen;
}

}  // namespace

// What it was given, and what it has after its changes.
struct Searchable {
  Task<nlohmann::json> run() {
    const auto given = attributes_seen();
    workflow::upsert_search_attributes(
        kText.set("a text"), kKeyword.set("word"), kInt.set(7), kDouble.set(0.5), kBool.set(true),
        kDatetime.set(temporal::Time(std::chrono::milliseconds(1'700'000'000'250))),
        kList.set({"x", "y"}));
    workflow::upsert_search_attributes(kInt.unset());
    co_await workflow::sleep(1ms);
    co_return nlohmann::json{{"given", given}, {"now", attributes_seen()}};
  }
};

struct Noted {
  Task<nlohmann::json> run() {
    const auto given = workflow::memo().get<std::string>("note");
    workflow::upsert_memo("note", nullptr);
    workflow::upsert_memo("count", 3);
    co_await workflow::sleep(1ms);
    co_return nlohmann::json{{"given", given.value_or("none")},
                             {"now", workflow::memo().get<std::string>("note").value_or("none")},
                             {"count", workflow::memo().get<int>("count").value_or(0)}};
  }
};

// Goes on as a second run, which tells what it was given: as it was, or as the first would have it.
struct Onward {
  Task<nlohmann::json> run(std::string how, int round) {
    if (round == 1) {
      const auto& info = workflow::info();
      co_return nlohmann::json{{"note", workflow::memo().get<std::string>("note").value_or("none")},
                               {"count", workflow::memo().get<int>("count").value_or(0)},
                               {"attributes", attributes_seen()},
                               {"run_timeout", info.run_timeout.count() / 1'000'000'000},
                               {"task_timeout", info.task_timeout.count() / 1'000'000'000},
                               {"queue", info.task_queue}};
    }
    workflow::upsert_memo("count", 3);
    workflow::upsert_search_attributes(kKeyword.set("changed"));
    if (how == "as it is") workflow::continue_as_new<Onward>({}, how, 1);
    const temporal::Memo memo = temporal::Memo().set("note", "another");
    const temporal::SearchAttributes attributes(kText.set("other"));
    workflow::continue_as_new<Onward>({.run_timeout = 50s,
                                       .task_timeout = 4s,
                                       .retry = {.maximum_attempts = 5},
                                       .memo = &memo,
                                       .search_attributes = &attributes,
                                       .start_delay = 1s},
                                      how, 1);
  }
};

// Continued by a handler, while a child and an activity nobody serves are under way.
struct Interrupted {
  Task<std::string> run(int round) {
    if (round == 1) co_return "second run";
    auto kid = workflow::execute_child("Staged", {});
    auto activity = workflow::execute_activity(
        "nobody_serves_this", {.schedule_to_close_timeout = 1h, .task_queue = "nowhere"});
    co_await workflow::wait_condition([] { return false; });
    co_return "never";
  }
  Task<> onward() {
    co_await workflow::sleep(1ms);
    workflow::continue_as_new<Interrupted>({}, 1);
  }
};

void stages(temporal::Module& m) {
  m.workflow<Staged>().signal<&Staged::go>();
  m.workflow<Searchable>();
  m.workflow<Noted>();
  m.workflow<Onward>();
  m.workflow<Interrupted>().signal<&Interrupted::onward>();
}
TEMPORAL_EXPORT_MODULE(stages);
