// SPDX-License-Identifier: MIT
#include "supervisor/workflow/queries.hpp"

#include <google/protobuf/util/json_util.h>

#include <stdexcept>
#include <string>

#include "supervisor/workflow/coroutine_stacks.hpp"
#include "supervisor/workflow/interception.hpp"
#include "supervisor/workflow/sdk_flags.hpp"
#include "temporal/api/sdk/v1/enhanced_stack_trace.pb.h"
#include "temporal/api/sdk/v1/workflow_metadata.pb.h"
#include "temporal/errors.hpp"

namespace temporal::engine {

namespace sdk = api::sdk::v1;

namespace {

Payload message_payload(const google::protobuf::Message& message) {
  Payload payload;
  payload.metadata = {{"encoding", "json/protobuf"}, {"messageType", message.GetTypeName()}};
  const auto status = google::protobuf::util::MessageToJsonString(message, &payload.data);
  if (!status.ok()) throw std::runtime_error("a message is no JSON: " + status.ToString());
  return payload;
}

std::string stack_text(const detail::Trampoline& trampoline) {
  std::string text;
  for (const auto& stack : coroutine_stacks(trampoline)) {
    if (!text.empty()) text += "\n";
    for (const auto& frame : stack)
      text += frame.function + " (" + frame.file + ":" + std::to_string(frame.line) + ")\n";
  }
  return text;
}

sdk::EnhancedStackTrace enhanced_stacks(const detail::Trampoline& trampoline) {
  sdk::EnhancedStackTrace trace;
  trace.mutable_sdk()->set_name(kSdkName);
  trace.mutable_sdk()->set_version(kSdkVersion);
  for (const auto& stack : coroutine_stacks(trampoline)) {
    auto* shown = trace.add_stacks();
    for (const auto& frame : stack) {
      auto* location = shown->add_locations();
      location->set_file_path(frame.file);
      location->set_line(static_cast<int>(frame.line));
      location->set_column(-1);
      location->set_function_name(frame.function);
    }
  }
  return trace;
}

void add(const HandlerTable::Described& handlers,
         google::protobuf::RepeatedPtrField<sdk::WorkflowInteractionDefinition>* to) {
  for (const auto& [name, description] : handlers) {
    auto* definition = to->Add();
    definition->set_name(name);
    definition->set_description(description);
  }
}

sdk::WorkflowMetadata metadata(const Questioned& run) {
  sdk::WorkflowMetadata metadata;
  auto* definition = metadata.mutable_definition();
  definition->set_type(run.info.workflow_type);
  add(run.handlers.queries(), definition->mutable_query_definitions());
  add(run.handlers.signals(), definition->mutable_signal_definitions());
  add(run.handlers.updates(), definition->mutable_update_definitions());
  metadata.set_current_details(run.runtime.current_details());
  return metadata;
}

[[noreturn]] void refuse(const std::string& type, const HandlerTable& handlers) {
  std::string known = "__stack_trace, __enhanced_stack_trace, __temporal_workflow_metadata";
  for (const auto& [name, description] : handlers.queries())
    if (!name.empty()) known += ", " + name;
  throw ApplicationError("this workflow has no query '" + type + "'; known queries: " + known,
                         {.type = "UnknownQuery"});
}

}  // namespace

QueryAnswer answer_query(const Query& query, const Questioned& run) {
  QueryAnswer answer{query.id, {}, {}};
  if (query.type == "__stack_trace") {
    answer.answer = to_payload(stack_text(run.trampoline));
  } else if (query.type == "__enhanced_stack_trace") {
    answer.answer = message_payload(enhanced_stacks(run.trampoline));
  } else if (query.type == "__temporal_workflow_metadata") {
    answer.answer = message_payload(metadata(run));
  } else {
    const auto handler = run.handlers.query(query.type);
    if (!handler) refuse(query.type, run.handlers);
    const Current current(run.runtime);
    const ReadOnly guard(run.runtime, "a query", true);
    answer.answer =
        enter_now(run.runtime.interceptors(), &workflow::Interceptor::handle_query,
                  {query.type, query.arguments, query.headers}, [&](const workflow::Call& call) {
                    return handler->answer(run.object, call.name, call.arguments);
                  });
  }
  return answer;
}

}  // namespace temporal::engine
