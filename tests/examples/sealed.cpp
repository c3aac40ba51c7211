#include <algorithm>
#include <chrono>
#include <string>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

// Stands for an encryption: what the server stores is the value backwards.
class Mirror : public temporal::PayloadCodec {
 public:
  temporal::Payloads encode(temporal::Payloads payloads) override {
    for (auto& payload : payloads) {
      std::ranges::reverse(payload.data);
      payload.metadata["mirrored"] = "yes";
    }
    return payloads;
  }
  temporal::Payloads decode(temporal::Payloads payloads) override {
    for (auto& payload : payloads)
      if (payload.metadata.erase("mirrored") > 0) std::ranges::reverse(payload.data);
    return payloads;  // what is not its own, as it came
  }
};

std::string greet(std::string name) { return "Hello, " + name + "!"; }

class Greeting {
 public:
  temporal::Task<std::string> run(std::string name) {
    co_return co_await temporal::workflow::execute_activity<greet>(
        {.start_to_close_timeout = std::chrono::seconds(10)}, name);
  }
};

// Says who calls what, once: replays are silent.
class Tracing : public temporal::workflow::Interceptor {
 public:
  void execute_activity(temporal::workflow::Call& call, temporal::ActivityOptions&) override {
    temporal::workflow::log().info("calls", {{"activity", call.name}});
    call.headers["asked-by"] = temporal::to_payload(temporal::workflow::info().workflow_id);
  }
};

void sealed(temporal::Module& m) {
  m.activity<greet>();
  m.workflow<Greeting>();
  m.codec<Mirror>();
  m.intercept_workflows<Tracing>();
}
TEMPORAL_EXPORT_MODULE(sealed);
