// SPDX-License-Identifier: MIT
#include "temporal/interceptor.hpp"

namespace temporal::activity {

namespace asio = boost::asio;

Interceptor::~Interceptor() = default;

Payload Interceptor::execute(Context&, Payloads arguments, const Next& next) {
  return next(std::move(arguments));
}

asio::awaitable<Payload> Interceptor::execute(Context&, Payloads arguments,
                                              const NextOnLoop& next) {
  return next(std::move(arguments));
}

namespace detail {

namespace {

Payload from(std::size_t index, const Interceptors& interceptors, Context& context,
             Payloads arguments, const Interceptor::Next& activity) {
  if (index == interceptors.size()) return activity(std::move(arguments));
  return interceptors[index]->execute(context, std::move(arguments), [&](Payloads passed) {
    return from(index + 1, interceptors, context, std::move(passed), activity);
  });
}

asio::awaitable<Payload> from(std::size_t index, const Interceptors& interceptors, Context& context,
                              Payloads arguments, const Interceptor::NextOnLoop& activity) {
  // Named, because it has to live as long as the call.
  const Interceptor::NextOnLoop next = [&](Payloads passed) {
    return index + 1 == interceptors.size()
               ? activity(std::move(passed))
               : from(index + 1, interceptors, context, std::move(passed), activity);
  };
  co_return co_await interceptors[index]->execute(context, std::move(arguments), next);
}

}  // namespace

Payload intercepted(const Interceptors& interceptors, Context& context, Payloads arguments,
                    const Interceptor::Next& activity) {
  return from(0, interceptors, context, std::move(arguments), activity);
}

asio::awaitable<Payload> intercepted(std::shared_ptr<const Interceptors> interceptors,
                                     Context& context, Payloads arguments,
                                     Interceptor::NextOnLoop activity) {
  if (interceptors->empty()) co_return co_await activity(std::move(arguments));
  co_return co_await from(0, *interceptors, context, std::move(arguments), activity);
}

}  // namespace detail

}  // namespace temporal::activity
