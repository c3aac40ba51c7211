// SPDX-License-Identifier: MIT
// What is stored on the server need not be what the code says: payloads can be encrypted or compressed on their way.
#pragma once

#include "temporal/export.hpp"
#include "temporal/payload.hpp"

namespace temporal {

/// Asked for each list of payloads that goes to the server or comes from it: arguments, results,
/// details of failures and heartbeats, memo, summaries. Never for search attributes, by which the
/// server searches, nor for patches. Of several, the last one added encodes first and decodes last.
///
/// Thread rule: called on threads of its own, several at once; it may take its time. What it throws
/// fails the workflow task, or the attempt of the activity, whose payloads these are.
class TEMPORAL_API PayloadCodec {
 public:
  virtual ~PayloadCodec();
  /// May answer with another number of payloads than it got, but for one where a single value
  /// stands, as in a memo: then with one.
  virtual Payloads encode(Payloads payloads) = 0;
  /// The opposite. What is not its own it gives back as it came: histories may be older than the
  /// codec.
  virtual Payloads decode(Payloads payloads) = 0;
};

}  // namespace temporal
