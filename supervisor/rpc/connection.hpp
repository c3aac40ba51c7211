// SPDX-License-Identifier: MIT
// The way to one Temporal server: address, what is sent with every call, and two channels, so that
// parked long polls can never use up the streams that heartbeats and completions need.
//
// It does not retry and does not look into messages: see retry.hpp and grpc_service.hpp.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace temporal::supervisor {

struct ConnectionOptions {
  std::string address = "127.0.0.1:7233";  ///< host:port
  /// Sent with every call, beside client-name, client-version and temporal-namespace. Names are put
  /// into lower case and
  /// `_` becomes `-`.
  std::vector<std::pair<std::string, std::string>> metadata = {};
  std::size_t max_receive_bytes = 128u << 20;  ///< gRPC's own 4 MiB would refuse long histories
};

/// PID@HOST: how this process names itself in polls and histories unless told otherwise.
[[nodiscard]] std::string default_identity();

/// gRPC ends a call, and some versions the process, on anything but printable ASCII.
[[nodiscard]] bool is_printable_ascii(std::string_view text) noexcept;

/// Opened on first use, and again by itself after each loss.
/// Threads: made, used and destroyed on one loop. The io_context must outlive it.
class Connection {
 public:
  /// Throws std::invalid_argument with a sentence when the address or the metadata cannot be sent.
  explicit Connection(ConnectionOptions options);
  /// Ends the calls in flight and waits until gRPC has let go of them. Coroutines that awaited them
  /// do not continue unless the loop runs again.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] const std::string& address() const noexcept;

  /// False while it tries to reach the server.
  [[nodiscard]] bool up() const;

  struct Channels;
  [[nodiscard]] const std::shared_ptr<Channels>& channels() noexcept { return channels_; }

 private:
  std::shared_ptr<Channels> channels_;
};

}  // namespace temporal::supervisor
