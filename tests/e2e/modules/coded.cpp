// SPDX-License-Identifier: MIT
// A worker whose payloads are stored backwards, and whose workflows hand on a trace id wherever they call.
#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using temporal::Payload;
using temporal::Payloads;
using temporal::Task;
namespace activity = temporal::activity;
namespace workflow = temporal::workflow;

namespace {

constexpr const char* kEncoding = "binary/backwards";
constexpr const char* kTrace = "trace-id";

// As tests/e2e/harness/backwards.py does it: the data backwards, what they were in `was`.
class Backwards final : public temporal::PayloadCodec {
 public:
  explicit Backwards(std::string refuses) : refuses_(std::move(refuses)) {}

  Payloads encode(Payloads payloads) override {
    for (auto& payload : payloads) {
      if (payload.data.find(refuses_) != std::string::npos)
        throw std::runtime_error("the key for this is gone");
      std::ranges::reverse(payload.data);
      payload.metadata["was"] = payload.metadata["encoding"];
      payload.metadata["encoding"] = kEncoding;
    }
    return payloads;
  }
  Payloads decode(Payloads payloads) override {
    for (auto& payload : payloads) {
      if (payload.encoding() != kEncoding) continue;
      std::ranges::reverse(payload.data);
      payload.metadata["encoding"] = payload.metadata["was"];
      payload.metadata.erase("was");
      if (payload.data.find("unreadable") != std::string::npos)
        throw std::runtime_error("the key for this is lost");
      while (payload.data.find("for ever") != std::string::npos) std::this_thread::sleep_for(1s);
    }
    return payloads;
  }

 private:
  const std::string refuses_;
};

std::string trace_in(const workflow::Headers& headers) {
  const auto found = headers.find(kTrace);
  return found == headers.end() ? "none" : temporal::from_payload<std::string>(found->second);
}

}  // namespace

// What came last in, goes out.
class HandsOn final : public workflow::Interceptor {
 public:
  Task<Payload> execute(workflow::Call call, const Next<Task<Payload>>& next) override {
    take(call);
    return next(std::move(call));
  }
  Task<void> handle_signal(workflow::Call call, const Next<Task<void>>& next) override {
    take(call);
    return next(std::move(call));
  }
  Task<Payload> handle_update(workflow::Call call, const Next<Task<Payload>>& next) override {
    take(call);
    return next(std::move(call));
  }
  Payload handle_query(workflow::Call call, const Next<Payload>& next) override {
    const auto seen = trace_in(call.headers);
    return temporal::to_payload(seen + " " +
                                temporal::from_payload<std::string>(next(std::move(call))));
  }
  void execute_activity(workflow::Call& call, temporal::ActivityOptions&) override { give(call); }
  void execute_local_activity(workflow::Call& call, temporal::LocalActivityOptions&) override {
    give(call);
  }
  void start_child(workflow::Call& call, temporal::ChildOptions&) override { give(call); }
  void signal_workflow(std::string_view, workflow::Call& call) override { give(call); }
  void continue_as_new(workflow::Call& call, temporal::ContinueOptions&) override { give(call); }

 private:
  void take(const workflow::Call& call) {
    if (call.headers.contains(kTrace)) header_ = call.headers.at(kTrace);
  }
  void give(workflow::Call& call) const {
    if (header_) call.headers[kTrace] = *header_;
  }
  std::optional<Payload> header_;
};

std::string trace_here(activity::Context& ctx) { return trace_in(ctx.info().headers); }

struct Traced {
  Task<std::string> run() { co_return trace_in(workflow::info().headers); }
};

class Traces {
 public:
  Task<std::vector<std::string>> run(int left) {
    if (left > 0) workflow::continue_as_new<Traces>({}, left - 1);
    std::vector<std::string> seen{trace_in(workflow::info().headers)};
    seen.push_back(
        co_await workflow::execute_activity<trace_here>({.start_to_close_timeout = 10s}));
    seen.push_back(
        co_await workflow::execute_local_activity<trace_here>({.start_to_close_timeout = 10s}));
    seen.push_back(co_await workflow::execute_child<Traced>({}));
    co_await workflow::wait_condition([this] { return done_; });
    seen.push_back(
        co_await workflow::execute_activity<trace_here>({.start_to_close_timeout = 10s}));
    co_return seen;
  }
  void finish() { done_ = true; }
  std::string phase() const { return "open"; }
  std::string touch(std::string what) { return what + " touched"; }

 private:
  bool done_ = false;
};

void fail_with_details() {
  throw temporal::ApplicationError("no", {.type = "Refusal"},
                                   {temporal::to_payload(std::string("the fine print"))});
}
std::string keep_secret(std::string what) { return "refused " + what; }
std::string echo(std::string what) { return what; }

// What the failure's details say here, where they can be read.
struct Details {
  Task<std::string> run() {
    std::string told;
    try {
      co_await workflow::execute_activity<fail_with_details>(
          {.start_to_close_timeout = 10s, .retry = {.maximum_attempts = 1}});
    } catch (const temporal::ActivityError& error) {
      const auto cause = error.cause();
      const auto& application = dynamic_cast<const temporal::ApplicationError&>(*cause);
      told = temporal::from_payload<std::string>(application.details().at(0));
    }
    workflow::upsert_search_attributes(temporal::KeywordKey{"CodedKeyword"}.set("plain to see"));
    workflow::upsert_memo("note", std::string("a memo"));
    co_await workflow::sleep(1ms, {.summary = "a short rest"});
    const auto local =
        co_await workflow::execute_local_activity<echo>({.start_to_close_timeout = 10s}, "near");
    co_return told + ", " + local;
  }
};

struct Keeps {
  Task<std::string> run(std::string what) {
    try {
      co_return co_await workflow::execute_activity<keep_secret>(
          {.start_to_close_timeout = 10s, .retry = {.maximum_attempts = 1}}, what);
    } catch (const temporal::ActivityError& error) {
      co_return error.cause()->message();
    }
  }
};

struct Spills {
  Task<std::string> run() { co_return "refused"; }
};

void coded(temporal::Module& m) {
  m.activity<trace_here>();
  m.activity<fail_with_details>();
  m.activity<keep_secret>();
  m.activity<echo>();
  m.workflow<Traced>();
  m.workflow<Traces>().signal<&Traces::finish>().query<&Traces::phase>().update<&Traces::touch>();
  m.workflow<Details>();
  m.workflow<Keeps>();
  m.workflow<Spills>();
  m.intercept_workflows<HandsOn>();
  m.codec<Backwards>("refused");
}
TEMPORAL_EXPORT_MODULE(coded);
