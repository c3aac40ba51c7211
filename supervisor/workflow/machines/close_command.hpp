// SPDX-License-Identifier: MIT
// The four commands that end a run.
#pragma once

#include <exception>

#include "supervisor/workflow/events.hpp"
#include "temporal/errors.hpp"
#include "temporal/payload.hpp"
#include "temporal/workflow.hpp"

namespace temporal::engine {

[[nodiscard]] Command complete_command(const Payload& result);
[[nodiscard]] Command fail_command(std::exception_ptr error);
/// Carries the details of the Cancelled at the end of the chain, if it has some.
[[nodiscard]] Command cancel_command(const Failure& failure);
/// What `next` leaves open is taken from this run: the server does not inherit memo, search
/// attributes and retry policy.
/// `retry`: this run's; null: none.
[[nodiscard]] Command continue_command(const workflow::detail::ContinueAsNew& next,
                                       const workflow::Info& info,
                                       const api::common::v1::RetryPolicy* retry);

}  // namespace temporal::engine
