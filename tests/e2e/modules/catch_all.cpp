// SPDX-License-Identifier: MIT
// Takes every activity that has no function: as a plain function, or with LATER as a coroutine.
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>

#ifdef LATER
boost::asio::awaitable<std::string> anything(std::string type, temporal::Payloads arguments) {
  co_return type + " with " + std::to_string(arguments.size());
}
#else
std::string anything(std::string type, temporal::Payloads arguments) {
  return type + " with " + std::to_string(arguments.size());
}
#endif

void catch_all(temporal::Module& m) { m.dynamic_activity<anything>(); }
TEMPORAL_EXPORT_MODULE(catch_all);
