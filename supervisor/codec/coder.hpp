// SPDX-License-Identifier: MIT
// A codec may take its time, or ask a key server: never on a loop, and never while workflow code is timed.
#pragma once

#include <google/protobuf/message.h>

#include <boost/asio/awaitable.hpp>
#include <functional>

#include "supervisor/codec/codec_chain.hpp"
#include "supervisor/threads/activity_threads.hpp"

namespace temporal::supervisor {

/// Thread rule: awaited on one loop, which must outlive it.
class Coder {
 public:
  /// At most so many messages at a time; the others wait.
  Coder(CodecChain codecs, int threads) : codecs_(std::move(codecs)), threads_("codec", threads) {}

  /// Throw CodecError. The message must live until then.
  boost::asio::awaitable<void> encode(google::protobuf::Message& message);
  boost::asio::awaitable<void> decode(google::protobuf::Message& message);

  /// A codec runs, and may never return.
  [[nodiscard]] bool busy() const { return threads_.busy() > 0; }

 private:
  boost::asio::awaitable<void> off_the_loop(std::function<void()> work);

  const CodecChain codecs_;
  ActivityThreads threads_;
};

}  // namespace temporal::supervisor
