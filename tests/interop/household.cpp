// SPDX-License-Identifier: MIT
// A patch, what a run says of itself, children, and other workflows. twin.ts is the same workflow in
// another language: what this one records, that one must be able to replay. Ids are given: what an
// SDK makes up is its own affair.
#include <string>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

namespace workflow = temporal::workflow;
using temporal::Task;

class Kid {
 public:
  Task<std::string> run() {
    co_await workflow::wait_condition([this] { return !eaten_.empty(); });
    co_return "ate " + eaten_;
  }
  void eat(std::string what) { eaten_ = what; }

 private:
  std::string eaten_;
};

constexpr temporal::KeywordKey kName{"HouseholdName"};

struct Household {
  Task<std::string> run(std::string name) {
    if (workflow::patched("allowance")) workflow::upsert_memo("allowance", 5);
    workflow::upsert_search_attributes(kName.set(name));
    auto first = co_await workflow::start_child<Kid>({.id = name + "-first"});
    co_await first.signal<&Kid::eat>("bread");
    auto story = co_await first.result();
    auto second = co_await workflow::start_child<Kid>({.id = name + "-second"});
    second.cancel("no more bread");
    try {
      co_await second.result();
    } catch (const temporal::ChildWorkflowError&) {
      story += ", none for the second";
    }
    const auto nobody = workflow::external(name + "-nobody");
    try {
      co_await nobody.signal<&Kid::eat>("cake");
    } catch (const temporal::ExternalWorkflowError&) {
      story += ", no third";
    }
    try {
      co_await nobody.cancel("not there");
    } catch (const temporal::ExternalWorkflowError&) {
      story += " at all";
    }
    workflow::deprecate_patch("curfew");
    workflow::upsert_memo("allowance", nullptr);
    co_return story;
  }
};

void household(temporal::Module& m) {
  m.workflow<Kid>().signal<&Kid::eat>();
  m.workflow<Household>();
}
TEMPORAL_EXPORT_MODULE(household);
