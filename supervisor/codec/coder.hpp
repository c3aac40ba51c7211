// SPDX-License-Identifier: MIT
// A codec may take its time, or ask a key server: never on a loop, and never while workflow code is timed.
#pragma once

#include <google/protobuf/message.h>

#include <boost/asio/awaitable.hpp>
#include <functional>

#include "supervisor/codec/codec_chain.hpp"
#include "supervisor/threads/activity_threads.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor {

/// Thread rule: awaited on one loop, which must outlive it.
class Coder {
 public:
  /// As many as wait for a key server at once; threads that have nothing to do end.
  static constexpr int kThreads = 64;

  /// At most so many messages at a time; the others wait. `log` is told of codecs that take long.
  explicit Coder(CodecChain codecs, int threads = kThreads, Logger* log = nullptr)
      : codecs_(std::move(codecs)), log_(log), threads_("codec", threads) {}
  /// What the server takes of one payload; more is a CodecError. Not while one is being encoded.
  void limit_payloads(std::size_t bytes) { codecs_.limit_payloads(bytes); }

  /// Throw CodecError. The message must live until then.
  boost::asio::awaitable<void> encode(google::protobuf::Message& message);
  boost::asio::awaitable<void> decode(google::protobuf::Message& message);

  /// A codec runs, and may never return.
  [[nodiscard]] bool busy() const { return threads_.busy() > 0; }

 private:
  boost::asio::awaitable<void> off_the_loop(std::function<void()> work);

  CodecChain codecs_;
  Logger* log_;
  ActivityThreads threads_;
};

}  // namespace temporal::supervisor
