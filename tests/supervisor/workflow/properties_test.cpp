// SPDX-License-Identifier: MIT
// Search attributes and memo: what code reads, what it writes, what goes on to the next run.
#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/supervisor/workflow/engine_test_support.hpp"
#include "tests/support/history_markers.hpp"

namespace properties_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

constexpr TextKey kText{"Text"};
constexpr KeywordKey kKeyword{"Keyword"};
constexpr IntKey kInt{"Int"};
constexpr DoubleKey kDouble{"Double"};
constexpr BoolKey kBool{"Bool"};
constexpr DatetimeKey kDatetime{"Datetime"};
constexpr KeywordListKey kList{"List"};

const Time kNoon = Time(std::chrono::sys_days(std::chrono::year(2024) / 2 / 29)) + 12h + 1500us;

template <class Key>
std::string seen(const Key& key) {
  const auto value = workflow::search_attributes().get(key);
  return std::string(key.name) + (value ? "=" + nlohmann::json(*value).dump() : " absent");
}

struct Attributes {
  Task<> run() {
    look();
    workflow::upsert_search_attributes(kText.set("a text"), kKeyword.set("k"), kInt.set(1LL << 40),
                                       kDouble.set(0.5), kBool.set(true), kDatetime.set(kNoon),
                                       kList.set({"x", "y"}));
    look();
    workflow::upsert_search_attributes(kInt.unset(), kKeyword.set("other"));
    look();
    co_await workflow::sleep(1s);
    workflow::continue_as_new<Attributes>({});
  }
  static void look() {
    for (const auto& line :
         {seen(kText), seen(kKeyword), seen(kInt), seen(kDouble), seen(kBool), seen(kList)})
      note(line);
    const auto when = workflow::info().search_attributes.get(kDatetime);
    note(when ? temporal::detail::text_of(*when) : "Datetime absent");
  }
};

struct Notes {
  Task<> run() {
    note(workflow::memo().get<std::string>("note").value_or("none"));
    workflow::upsert_memo("count", 3);
    workflow::upsert_memo("note", nullptr);
    workflow::upsert_memo(Memo());  // nothing to change, nothing to send
    note(workflow::memo().get<std::string>("note").value_or("none"));
    note(std::to_string(workflow::info().memo.get<int>("count").value_or(0)));
    co_await workflow::sleep(1s);
    workflow::continue_as_new<Notes>({});
  }
};

struct Wrong {
  Task<> run() {
    attempt([] {
      workflow::upsert_search_attributes(KeywordListKey{"TemporalChangeVersion"}.set({}));
    });
    attempt([] { workflow::upsert_search_attributes(KeywordKey{""}.set("x")); });
    attempt([] { workflow::upsert_memo("", 1); });
    attempt([] { workflow::continue_as_new<Wrong>({.start_delay = -1s}); });
    attempt([] { workflow::continue_as_new<Wrong>({.retry = {.maximum_attempts = -1}}); });
    co_return;
  }
  static void attempt(void (*call)()) {
    try {
      call();
    } catch (const std::invalid_argument& error) {
      note(error.what());
    }
  }
};

struct Overrides {
  Task<> run() {
    const Memo memo = Memo().set("only", "this");
    const SearchAttributes attributes(kKeyword.set("next"), kInt.unset());
    workflow::continue_as_new<Overrides>({.task_queue = "elsewhere",
                                          .run_timeout = 5s,
                                          .task_timeout = 3s,
                                          .retry = {.initial_interval = 2s,
                                                    .maximum_attempts = 7,
                                                    .non_retryable = error_types("Fatal")},
                                          .memo = &memo,
                                          .search_attributes = &attributes,
                                          .start_delay = 9s,
                                          .version = ContinueVersion::auto_upgraded});
    co_return;
  }
};

struct Long {
  Task<> run() {
    for (;;) {
      std::string line = workflow::continue_as_new_suggested() ? "suggested" : "go on";
      for (const auto reason : workflow::info().continue_as_new_reasons)
        line += " " + std::to_string(int(reason));
      note(line);
      co_await workflow::sleep(1s);
    }
  }
};

// Both patched and attributed.
struct Patched {
  Task<> run() {
    CHECK(workflow::patched("p"));
    note(seen(KeywordListKey{"TemporalChangeVersion"}));
    workflow::continue_as_new<Patched>({});
    co_return;
  }
};

const TestModule module([](Module& m) {
  m.workflow<Attributes>();
  m.workflow<Notes>();
  m.workflow<Wrong>();
  m.workflow<Overrides>();
  m.workflow<Long>();
  m.workflow<Patched>();
});

using Started = api::history::v1::WorkflowExecutionStartedEventAttributes;

void give(HistoryBuilder& h, const std::string& name, const std::string& text, const char* type) {
  (*h.at(1)
        .mutable_workflow_execution_started_event_attributes()
        ->mutable_search_attributes()
        ->mutable_indexed_fields())[name] = json(text, type);
}

TEST_CASE("B024 seven types of search attributes are read, upserted and unset") {
  HistoryBuilder h("Attributes");
  give(h, "Text", R"("given")", "Text");
  give(h, "Keyword", R"(["in a list of one"])", "Keyword");
  give(h, "Int", "42", "Int");
  give(h, "Double", "2", "Double");
  give(h, "Bool", "false", "Bool");
  give(h, "Datetime", R"("2024-02-29T14:00:00.25+02:00")", "Datetime");
  give(h, "List", R"(["a"])", "Keyword");  // another type than the key's
  h.task();
  Run run(module, "Attributes");
  const auto outcome = run.task(h.history());
  CHECK(trace() == Lines{"Text=\"given\"",
                         "Keyword=\"in a list of one\"",
                         "Int=42",
                         "Double=2.0",
                         "Bool=false",
                         "List absent",
                         "2024-02-29T12:00:00.25Z",  //
                         "Text=\"a text\"",
                         "Keyword=\"k\"",
                         "Int=1099511627776",
                         "Double=0.5",
                         "Bool=true",
                         "List=[\"x\",\"y\"]",
                         "2024-02-29T12:00:00.0015Z",  //
                         "Text=\"a text\"",
                         "Keyword=\"other\"",
                         "Int absent",
                         "Double=0.5",
                         "Bool=true",
                         "List=[\"x\",\"y\"]",
                         "2024-02-29T12:00:00.0015Z"});
  REQUIRE(commands_of(outcome) == Lines{"UpsertWorkflowSearchAttributes",
                                        "UpsertWorkflowSearchAttributes",
                                        "StartTimer (timer id '1')"});
  const auto& first = outcome.commands[0]
                          .upsert_workflow_search_attributes_command_attributes()
                          .search_attributes()
                          .indexed_fields();
  CHECK(first.size() == 7);
  for (const auto& [name, type] :
       {std::pair("Text", "Text"), std::pair("Keyword", "Keyword"), std::pair("Int", "Int"),
        std::pair("Double", "Double"), std::pair("Bool", "Bool"), std::pair("Datetime", "Datetime"),
        std::pair("List", "KeywordList")}) {
    CHECK(first.at(name).metadata().at("type") == type);
    CHECK(first.at(name).metadata().at("encoding") == "json/plain");
  }
  CHECK(first.at("Datetime").data() == R"("2024-02-29T12:00:00.0015Z")");
  const auto& second = outcome.commands[1]
                           .upsert_workflow_search_attributes_command_attributes()
                           .search_attributes()
                           .indexed_fields();
  CHECK(second.at("Int").metadata().at("encoding") == "binary/null");
  CHECK_FALSE(second.at("Int").metadata().contains("type"));
  CHECK(second.at("Int").data().empty());
}

TEST_CASE("B024 the next run gets the search attributes as they are, without what was unset") {
  HistoryBuilder h("Attributes");
  give(h, "Int", "42", "Int");
  give(h, "Untouched", "[1]", "Int");
  h.whole_task();
  search_attributes_upserted(h, "Text", R"("a text")", "Text");
  search_attributes_upserted(h, "Keyword", R"("other")", "Keyword");
  const auto timer = h.timer_started("1");
  h.timer_fired(timer);
  h.task();
  Run run(module, "Attributes");
  const auto outcome = run.task(h.history(), 3);
  REQUIRE(commands_of(outcome) == Lines{"ContinueAsNewWorkflowExecution"});
  const auto& next = outcome.commands[0]
                         .continue_as_new_workflow_execution_command_attributes()
                         .search_attributes()
                         .indexed_fields();
  CHECK(next.size() == 7);
  CHECK_FALSE(next.contains("Int"));
  CHECK(next.at("Keyword").data() == R"("other")");
  CHECK(next.at("Untouched").data() == "[1]");
  h.task_completed();
  h.continued_as_new();
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("B023 the memo is read, upserted, and loses what is set to null") {
  HistoryBuilder h("Notes");
  auto* memo = h.at(1).mutable_workflow_execution_started_event_attributes()->mutable_memo();
  (*memo->mutable_fields())["note"] = json(R"("from the start")");
  (*memo->mutable_fields())["kept"] = json("1");
  h.task();
  Run run(module, "Notes");
  const auto outcome = run.task(h.history());
  CHECK(trace() == Lines{"from the start", "none", "3"});
  REQUIRE(commands_of(outcome) == Lines{"ModifyWorkflowProperties", "ModifyWorkflowProperties",
                                        "StartTimer (timer id '1')"});
  const auto field = [&](int command, const char* name) {
    return outcome.commands[std::size_t(command)]
        .modify_workflow_properties_command_attributes()
        .upserted_memo()
        .fields()
        .at(name);
  };
  CHECK(field(0, "count").data() == "3");
  CHECK(field(1, "note").metadata().at("encoding") == "binary/null");
  h.task_completed();
  properties_modified(h);
  properties_modified(h);
  const auto timer = h.timer_started("1");
  h.timer_fired(timer);
  h.task();
  const auto last = run.task(h.since(4), 3);
  const auto& next =
      last.commands.at(0).continue_as_new_workflow_execution_command_attributes().memo().fields();
  CHECK(next.size() == 2);
  CHECK(next.at("count").data() == "3");
  CHECK(next.at("kept").data() == "1");
  h.task_completed();
  h.continued_as_new();
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("N006 continue-as-new overrides what it is told to") {
  HistoryBuilder h("Overrides");
  auto* started = h.at(1).mutable_workflow_execution_started_event_attributes();
  (*started->mutable_memo()->mutable_fields())["old"] = json("1");
  started->mutable_retry_policy()->set_maximum_attempts(3);
  give(h, "Int", "42", "Int");
  h.task();
  Run run(module, "Overrides");
  const auto outcome = run.task(h.history());
  REQUIRE(commands_of(outcome) == Lines{"ContinueAsNewWorkflowExecution"});
  const auto& next = outcome.commands[0].continue_as_new_workflow_execution_command_attributes();
  CHECK(next.task_queue().name() == "elsewhere");
  CHECK(next.workflow_run_timeout().seconds() == 5);
  CHECK(next.workflow_task_timeout().seconds() == 3);
  CHECK(next.backoff_start_interval().seconds() == 9);
  CHECK(next.retry_policy().initial_interval().seconds() == 2);
  CHECK(next.retry_policy().maximum_attempts() == 7);
  REQUIRE(next.retry_policy().non_retryable_error_types_size() == 1);
  CHECK(next.retry_policy().non_retryable_error_types(0) == "Fatal");
  CHECK(next.memo().fields().size() == 1);
  CHECK(next.memo().fields().at("only").data() == R"("this")");
  CHECK(next.search_attributes().indexed_fields().size() == 1);
  CHECK(next.search_attributes().indexed_fields().at("Keyword").data() == R"("next")");
  CHECK(next.initial_versioning_behavior() ==
        enums::CONTINUE_AS_NEW_VERSIONING_BEHAVIOR_AUTO_UPGRADE);
}

TEST_CASE("N008 the server suggests to continue as new, and why; each task for itself") {
  using workflow::ContinueReason;
  HistoryBuilder h("Long");
  h.task();
  auto* started = h.last().mutable_workflow_task_started_event_attributes();
  started->set_suggest_continue_as_new(true);
  started->add_suggest_continue_as_new_reasons(
      enums::SUGGEST_CONTINUE_AS_NEW_REASON_HISTORY_SIZE_TOO_LARGE);
  started->add_suggest_continue_as_new_reasons(
      enums::SUGGEST_CONTINUE_AS_NEW_REASON_TOO_MANY_HISTORY_EVENTS);
  h.task_completed();
  const auto timer = h.timer_started("1");
  h.timer_fired(timer);
  h.task();
  Run run(module, "Long");
  CHECK(failure_of(run.task(h.history(), 3)) == "");
  CHECK(trace() == Lines{"suggested " + std::to_string(int(ContinueReason::history_too_large)) +
                             " " + std::to_string(int(ContinueReason::too_many_events)),
                         "go on"});
}

TEST_CASE("the patches of a run are among its search attributes, but not among the next run's") {
  HistoryBuilder h("Patched");
  h.task();
  Run run(module, "Patched");
  const auto outcome = run.task(h.history());
  CHECK(trace() == Lines{"TemporalChangeVersion=[\"p\"]"});
  CHECK_FALSE(outcome.commands.at(2)
                  .continue_as_new_workflow_execution_command_attributes()
                  .search_attributes()
                  .indexed_fields()
                  .contains("TemporalChangeVersion"));
}

TEST_CASE("what no server would take is refused at the call, by its name") {
  HistoryBuilder h("Wrong");
  h.task();
  Run run(module, "Wrong");
  CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"workflow::upsert_search_attributes: TemporalChangeVersion is written by "
                         "workflow::patched() alone",
                         "workflow::upsert_search_attributes: a value needs a name",
                         "workflow::upsert_memo: a value needs a name",
                         "workflow::continue_as_new: start_delay must not be negative",
                         "workflow::continue_as_new: maximum_attempts must not be negative"});
}

TEST_CASE("times in search attributes are RFC 3339, whatever its form") {
  using temporal::detail::text_of;
  using temporal::detail::time_from;
  for (const char* text : {"1970-01-01T00:00:00Z", "2024-02-29T23:59:59.999999999Z",
                           "1969-12-31T23:59:59.5Z", "2261-12-31T00:00:00Z"})
    CHECK(text_of(time_from(text)) == text);
  CHECK(text_of(time_from("2024-03-01t00:30:00-01:30")) == "2024-03-01T02:00:00Z");
  CHECK(text_of(time_from("2024-03-01 00:30:00.1234567891z")) == "2024-03-01T00:30:00.123456789Z");
  for (const char* text : {"", "today", "2023-02-29T00:00:00Z", "2024-02-01T00:00:00",
                           "2024-02-01T00:00:00Zx", "9999-01-01T00:00:00Z", "2024-2-1T0:0:0Z"})
    CHECK_THROWS_AS(time_from(text), DecodeError);
}

}  // namespace properties_test
