// SPDX-License-Identifier: MIT
// How a worker is told something: a Unix socket of its user alone, one JSON line each way. Who asks may be slow, broken or
// hostile: one small request per connection, a few connections at a time, a few seconds each. It serves, and knows no verb.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

namespace temporal::supervisor::control {

using Json = nlohmann::json;

struct SocketLimits {
  std::size_t connections = 8;            ///< more wait until one of them ends
  std::size_t request_bytes = 16 * 1024;  ///< of the line
  std::chrono::milliseconds read{2'000};  ///< for the whole line
  std::chrono::milliseconds write{5'000};
  std::chrono::milliseconds pace{5};  ///< between two connections: answers take time from the loop
  uid_t owner = ::geteuid();          ///< who may ask
};

/// Thread rule: used on the loop that serves.
class Socket {
 public:
  /// Gets an object, returns one; called on the loop.
  using Answer = std::function<boost::asio::awaitable<Json>(Json request)>;

  /// Listens from now on, at `path`; without one, in the folder where others look for it. What a dead worker left there is
  /// replaced. Throws ControlError.
  Socket(boost::asio::any_io_executor core, const std::optional<std::filesystem::path>& path,
         Answer answer, SocketLimits limits = {});
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  /// Ends all connections and removes the file. Nobody is asked any more.
  ~Socket();

  [[nodiscard]] const std::filesystem::path& path() const;

 private:
  class Service;
  std::shared_ptr<Service> service_;
};

}  // namespace temporal::supervisor::control
