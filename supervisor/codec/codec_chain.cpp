// SPDX-License-Identifier: MIT
#include "supervisor/codec/codec_chain.hpp"

#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "supervisor/codec/payload_fields.hpp"
#include "supervisor/utf8.hpp"

namespace temporal::supervisor {

using google::protobuf::Message;

namespace {

constexpr std::size_t kLongestReason = 2'000;

// Who reads a failure, or a log, gets it whole or not at all.
std::string readable(const char* said) {
  std::string text(said, ::strnlen(said, kLongestReason));
  return is_utf8(text) ? text : "it threw an exception whose text is no UTF-8";
}

// A name that is no UTF-8 makes the whole message unreadable, and a value that is too large the workflow's last.
void check(const Payloads& payloads, std::size_t most_bytes) {
  for (const auto& payload : payloads) {
    if (most_bytes > 0 && payload.data.size() > most_bytes)
      throw std::runtime_error("it made " + std::to_string(payload.data.size()) +
                               " bytes of a payload, and the server takes " +
                               std::to_string(most_bytes) +
                               "; store large values elsewhere and pass their address");
    for (const auto& [name, value] : payload.metadata)
      if (!is_utf8(name)) throw std::runtime_error("it gave metadata a name that is no UTF-8");
  }
}

void apply(Message& message, const ChangePayloads& change, bool headers, const char* doing) {
  const std::string what = std::string("the payload codec failed while ") + doing + ": ";
  try {
    change_payloads(message, change, headers);
  } catch (const std::exception& error) {
    throw CodecError(what + readable(error.what()));
  } catch (...) {
    throw CodecError(what + "it threw something that is no std::exception");
  }
}

}  // namespace

CodecChain::CodecChain(const Module& module, bool headers) : headers_(headers) {
  for (const auto& make : module.codecs()) codecs_.push_back(make());
}

void CodecChain::encode(Message& message) const {
  const auto last_first = [this](Payloads payloads) {
    for (auto codec = codecs_.rbegin(); codec != codecs_.rend(); ++codec)
      payloads = (*codec)->encode(std::move(payloads));
    check(payloads, most_bytes_);
    return payloads;
  };
  apply(message, last_first, headers_, "encoding");
}

void CodecChain::decode(Message& message) const {
  const auto first_first = [this](Payloads payloads) {
    for (const auto& codec : codecs_) payloads = codec->decode(std::move(payloads));
    return payloads;
  };
  apply(message, first_first, headers_, "decoding");
}

}  // namespace temporal::supervisor
