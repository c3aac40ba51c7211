// SPDX-License-Identifier: MIT
// What machines ask a worker: /metrics (Prometheus), /healthz, /readyz (Kubernetes). Whoever reaches
// the port may ask, and may be slow, broken or hostile: one small request per connection, a few
// connections at a time, a few seconds each. It serves, and knows nothing of a worker.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace temporal::supervisor {

/// Called on the loop that serves.
struct HttpPages {
  std::function<std::string()> metrics;  ///< in Prometheus' text format
  /// What the worker still waits for, as a sentence; nothing when it is ready.
  std::function<std::optional<std::string>()> not_ready;
};

struct HttpLimits {
  std::size_t connections = 16;           ///< more wait until one of them ends
  std::size_t request_bytes = 8 * 1024;   ///< of the line and all headers
  std::chrono::milliseconds read{5'000};  ///< for the whole request
  std::chrono::milliseconds write{10'000};
  std::chrono::milliseconds fresh{100};  ///< as old as a page of metrics may be that is sent again
};

/// Thread rule: used on the loop that serves.
class HttpServer {
 public:
  /// Listens from now on. Throws boost::system::system_error when it cannot.
  HttpServer(boost::asio::any_io_executor core, const boost::asio::ip::tcp::endpoint& where,
             HttpPages pages, HttpLimits limits = {});
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Ends all connections. No page is asked for any more.
  ~HttpServer();

  /// With the port it got, when it was asked for port 0.
  [[nodiscard]] boost::asio::ip::tcp::endpoint endpoint() const;

 private:
  class Service;
  std::shared_ptr<Service> service_;
};

/// "127.0.0.1:9464", "[::1]:9464", "localhost:9464", ":9464" for all addresses. Nothing when it is
/// none of these: names are not looked up. Port 0 is any free one.
[[nodiscard]] std::optional<boost::asio::ip::tcp::endpoint> parse_endpoint(std::string_view text);

}  // namespace temporal::supervisor
