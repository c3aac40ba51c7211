// SPDX-License-Identifier: MIT
// What is done around each activity of a module: measuring, tracing, checking. It runs where the activity runs (in the child, on
// the thread, on the loop), between the arguments as they came and the result as it goes.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "temporal/context.hpp"
#include "temporal/export.hpp"
#include "temporal/payload.hpp"

namespace temporal::activity {

/// One object for all activities of its module in a process: both calls may run on several threads at once. What its caller
/// attached travels in `context.info().headers`. A call that throws fails the attempt, as the activity's own exception would.
class TEMPORAL_API Interceptor {
 public:
  using Next = std::function<Payload(Payloads)>;
  using NextOnLoop = std::function<boost::asio::awaitable<Payload>(Payloads)>;

  virtual ~Interceptor();
  /// Around a plain function. `next` runs the interceptors after this one, then the activity.
  virtual Payload execute(Context& context, Payloads arguments, const Next& next);
  /// Around a coroutine; `next` lives until this one ends.
  virtual boost::asio::awaitable<Payload> execute(Context& context, Payloads arguments,
                                                  const NextOnLoop& next);
};

namespace detail {

using Interceptors = std::vector<std::shared_ptr<Interceptor>>;

TEMPORAL_API Payload intercepted(const Interceptors& interceptors, Context& context,
                                 Payloads arguments, const Interceptor::Next& activity);
TEMPORAL_API boost::asio::awaitable<Payload> intercepted(
    std::shared_ptr<const Interceptors> interceptors, Context& context, Payloads arguments,
    Interceptor::NextOnLoop activity);

}  // namespace detail

}  // namespace temporal::activity
