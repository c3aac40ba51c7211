// SPDX-License-Identifier: MIT
#include "supervisor/codec/codec_chain.hpp"

#include <utility>

#include "supervisor/codec/payload_fields.hpp"

namespace temporal::supervisor {

using google::protobuf::Message;

namespace {

void apply(Message& message, const ChangePayloads& change, bool headers, const char* doing) {
  const std::string what = std::string("the payload codec failed while ") + doing + ": ";
  try {
    change_payloads(message, change, headers);
  } catch (const std::exception& error) {
    throw CodecError(what + error.what());
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
