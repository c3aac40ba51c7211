// SPDX-License-Identifier: MIT
#include "supervisor/rpc/outages.hpp"

namespace temporal::supervisor {

namespace {

auto milliseconds(Outages::Time::duration time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

}  // namespace

void Outages::failed(const std::string& method, const CallResult& result,
                     std::chrono::milliseconds wait, Time now) {
  const auto since = failing_since_.try_emplace(method, now).first->second;
  if (!log_) return;
  const LogFields fields{{"method", method},
                         {"error", result.message},
                         {"failing_ms", milliseconds(now - since)},
                         {"retry_in_ms", wait.count()}};
  if (now - since < kNormal || now < quiet_until_) {
    log_->debug("a call to the server failed, it is tried again", fields);
    return;
  }
  quiet_until_ = now + kBetweenLines;
  if (said_since_ == Time{}) said_since_ = since;
  log_->warn("calls to the server fail, they are tried again", fields);
}

void Outages::answered(const std::string& method, Time now) {
  if (failing_since_.erase(method) == 0 || !failing_since_.empty() || said_since_ == Time{}) return;
  log_->info("the server answers again", {{"away_ms", milliseconds(now - said_since_)}});
  said_since_ = quiet_until_ = {};
}

}  // namespace temporal::supervisor
