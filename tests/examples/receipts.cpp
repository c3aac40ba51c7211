#include <chrono>
#include <cstdlib>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

using namespace std::chrono_literals;
namespace workflow = temporal::workflow;

// Quick, and it may fail: worth an activity, but not a task of its own.
std::string format_receipt(std::string item, int cents) {
  if (cents < 0) throw temporal::ApplicationError("no such price", {.non_retryable = true});
  return item + ": " + std::to_string(cents) + " cents";
}

struct Receipt {
  temporal::Task<std::string> run(std::string item, int cents) {
    // Runs in this worker, in a child; history keeps its result alone.
    const auto text = co_await workflow::execute_local_activity<format_receipt>(
        {.start_to_close_timeout = 2s}, item, cents);
    // Runs here and now, once: every replay gets what it returned then.
    const auto shop = co_await workflow::side_effect([] {
      const char* name = std::getenv("SHOP");
      return std::string(name ? name : "the shop");
    });
    workflow::metrics().counter("receipts");
    co_return shop + ", " + text;
  }
};

void receipts(temporal::Module& m) {
  m.activity<format_receipt>();
  m.workflow<Receipt>();
}
TEMPORAL_EXPORT_MODULE(receipts);
