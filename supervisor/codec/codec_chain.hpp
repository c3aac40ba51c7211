// SPDX-License-Identifier: MIT
// A worker's codecs, or a client's, applied to whole messages.
#pragma once

#include <google/protobuf/message.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <vector>

#include "temporal/module.hpp"
#include "temporal/payload_codec.hpp"

namespace temporal::supervisor {

/// A codec threw, or did what it must not. what() says which way, and what it said.
class CodecError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Thread rule: any, also several at once.
class CodecChain {
 public:
  CodecChain() = default;
  /// `headers`: they pass through it as well.
  CodecChain(std::vector<std::shared_ptr<PayloadCodec>> codecs, bool headers)
      : codecs_(std::move(codecs)), headers_(headers) {}
  /// Those of a module, made here and now. Throws what their constructors throw.
  CodecChain(const Module& module, bool headers);

  /// Of each that is encoded; 0: unbounded.
  void limit_payloads(std::size_t bytes) noexcept { most_bytes_ = bytes; }
  [[nodiscard]] bool empty() const noexcept { return codecs_.empty(); }
  /// Throw CodecError; the message is then good for nothing.
  void encode(google::protobuf::Message& message) const;
  void decode(google::protobuf::Message& message) const;

 private:
  std::vector<std::shared_ptr<PayloadCodec>> codecs_;
  bool headers_ = false;
  std::size_t most_bytes_ = 0;
};

}  // namespace temporal::supervisor
