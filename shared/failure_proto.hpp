// SPDX-License-Identifier: MIT
// C++ exceptions <-> temporal.api.failure.v1.Failure, causes kept at every hop.
#pragma once

#include <exception>
#include <memory>

#include "temporal/api/failure/v1/message.pb.h"
#include "temporal/errors.hpp"

namespace temporal {

/// What goes into Failure.source for failures made here.
inline constexpr const char* kFailureSource = "CppSDK";

/// Longest message that is sent, in bytes: the server cuts longer failures itself, and loses their
/// causes with it.
inline constexpr std::size_t kMaxFailureMessage = 10'000;
/// Longest chain of causes that is sent or read.
inline constexpr int kMaxFailureDepth = 20;

/// A Failure keeps its kind (or goes out as it came in); any other std::exception becomes an
/// ApplicationError whose type is the demangled class, with causes from std::nested_exception;
/// anything else has type UnknownException. Never throws for what it is given.
void to_failure_proto(std::exception_ptr error, api::failure::v1::Failure* proto);
void to_failure_proto(const Failure& failure, api::failure::v1::Failure* proto);

[[nodiscard]] std::shared_ptr<const Failure> from_failure_proto(
    const api::failure::v1::Failure& proto);
/// The same, thrown as the most derived type when it is rethrown.
[[nodiscard]] std::exception_ptr exception_from(const api::failure::v1::Failure& proto);

}  // namespace temporal
