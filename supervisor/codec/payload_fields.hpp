// SPDX-License-Identifier: MIT
// Where in a message user data is: payloads are in dozens of kinds of fields, at many depths, and new versions of the API add more.
// So they are found by their type, and what is none of a codec's business is left out by its.
#pragma once

#include <google/protobuf/message.h>

#include <functional>

#include "temporal/payload.hpp"

namespace temporal::supervisor {

/// One list of payloads in, one out.
using ChangePayloads = std::function<Payloads(Payloads)>;

/// Puts what `change` makes of it in the place of each list of payloads, and of each payload that stands alone: of that it has to
/// make one again, otherwise this throws std::runtime_error. Not for search attributes, nor for what markers say beside results;
/// for headers only if asked. Messages inside a google.protobuf.Any are visited too. Throws what `change` throws.
void change_payloads(google::protobuf::Message& message, const ChangePayloads& change,
                     bool headers);

}  // namespace temporal::supervisor
