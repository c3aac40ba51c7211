// SPDX-License-Identifier: MIT
// An update is judged first, and may be turned down without a trace. Once it is accepted it is a fact of history.
#include <utility>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "supervisor/workflow/errors.hpp"
#include "supervisor/workflow/instance.hpp"
#include "supervisor/workflow/interception.hpp"
#include "supervisor/workflow/machines/update_message.hpp"
#include "temporal/errors.hpp"

namespace temporal::engine {

namespace {

std::exception_ptr unknown_update(const std::string& name, const HandlerTable& handlers) {
  std::string known;
  for (const auto& [one, description] : handlers.updates())
    if (!one.empty()) known += (known.empty() ? "" : ", ") + one;
  return std::make_exception_ptr(
      ApplicationError("this workflow has no update '" + name +
                           "'; known updates: " + (known.empty() ? "none" : known),
                       {.type = "UnknownUpdate"}));
}

}  // namespace

Task<void> Instance::run_update(UpdateJob job) {
  const auto& update = *job.update;
  const auto& input = update.request.input();
  auto handler = handlers_.update(input.name());
  if (!handler) {
    // It came with the start: run() may set its handler in its first step.
    const workflow::Future<> turn(runtime_.turn(), &workflow::detail::take_nothing);
    co_await turn;
    handler = handlers_.update(input.name());
  }
  if (!handler) {
    reject(update, unknown_update(input.name(), handlers_));
    co_return;
  }
  workflow::Call call{input.name(), from_proto(input.args()), from_proto(input.header().fields())};
  const bool accepted = accept(*handler, job, call);
  if (!accepted) co_return;

  const auto running = handlers_.running.insert(
      handlers_.running.end(), {input.name(), update.instance_id, handler->unfinished});
  Payload result;
  std::exception_ptr error;
  try {
    auto run =
        enter(runtime_.interceptors(), &workflow::Interceptor::handle_update, std::move(call),
              [this, &handler](workflow::Call passed) {
                return handler->run(*object_, std::move(passed.name), std::move(passed.arguments));
              });
    result = co_await std::move(run);
  } catch (...) {
    error = std::current_exception();
  }
  handlers_.running.erase(running);
  answer_update(update, error, result);
}

// Judged when it is new only: history holds no update that was turned down.
bool Instance::accept(const detail::UpdateHandler& handler, const UpdateJob& job,
                      const workflow::Call& call) {
  const auto& update = *job.update;
  try {
    const ReadOnly guard(runtime_, "the validator of an update");
    if (job.live)
      enter_now(runtime_.interceptors(), &workflow::Interceptor::validate_update, call,
                [this, &handler](const workflow::Call& passed) {
                  handler.check(*object_, passed.name, passed.arguments);
                });
  } catch (const ReadOnlyViolation&) {
    fail_task(std::current_exception());
    return false;
  } catch (const detail::InputError& undecodable) {
    reject(update, std::make_exception_ptr(ApplicationError(
                       std::string("Failed decoding arguments: ") + undecodable.what(),
                       {.type = "InputError"})));
    return false;
  } catch (...) {
    reject(update, std::current_exception());
    return false;
  }
  UpdateMessage::accept(machines_, update);
  return true;
}

void Instance::reject(const UpdateRequest& update, std::exception_ptr why) {
  api::failure::v1::Failure failure;
  to_failure_proto(why, &failure);
  UpdateMessage::reject(machines_, update, std::move(failure));
}

void Instance::answer_update(const UpdateRequest& update, std::exception_ptr error,
                             const Payload& result) {
  api::update::v1::Outcome outcome;
  if (!error) {
    to_proto(result, outcome.mutable_success()->add_payloads());
    return UpdateMessage::complete(machines_, update, std::move(outcome));
  }
  try {
    std::rethrow_exception(error);
  } catch (const Failure&) {
  } catch (const detail::InputError&) {
  } catch (const workflow::detail::ContinueAsNew&) {
    return end(error);
  } catch (...) {
    if (!fails_workflow(error)) return fail_task(error);
  }
  to_failure_proto(error, outcome.mutable_failure());
  UpdateMessage::complete(machines_, update, std::move(outcome));
}

}  // namespace temporal::engine
