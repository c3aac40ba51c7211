// SPDX-License-Identifier: MIT
#include "child/start_in_place.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstdint>
#include <new>
#include <string>

namespace temporal::child {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr std::uint32_t tag_of(int field) {
  return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}
constexpr auto kInput = tag_of(v1::Start::kInputFieldNumber);
constexpr auto kPayloads = tag_of(api::common::v1::Payloads::kPayloadsFieldNumber);
constexpr auto kData = tag_of(api::common::v1::Payload::kDataFieldNumber);

// Fields of a message, one behind the other, are a message again: those that are not taken apart are
// collected and parsed together.
class Fields {
 public:
  explicit Fields(std::span<const std::byte> message)
      : message_(message),
        stream_(reinterpret_cast<const std::uint8_t*>(message.data()),
                static_cast<int>(message.size())) {}

  /// The next field with that tag, without its length; those before it are collected. False at the end,
  /// and when the message is none.
  bool find(std::uint32_t tag) {
    for (;;) {
      begin_ = stream_.CurrentPosition();
      const auto next = stream_.ReadTag();
      if (next == 0) return false;
      if (next == tag) return take();
      if (!WireFormatLite::SkipField(&stream_, next)) return corrupt();
      collect();
    }
  }
  [[nodiscard]] std::span<const std::byte> found() const { return found_; }
  /// The one that was found is one of those, too.
  void collect() {
    rest_.append(reinterpret_cast<const char*>(message_.data()) + begin_,
                 static_cast<std::size_t>(stream_.CurrentPosition() - begin_));
  }

  /// After find() said no: adds what was collected.
  [[nodiscard]] bool merge_rest(google::protobuf::MessageLite& into) {
    return !corrupt_ && stream_.ConsumedEntireMessage() && into.MergeFromString(rest_);
  }

 private:
  bool take() {
    std::uint32_t size = 0;
    if (!stream_.ReadVarint32(&size)) return corrupt();
    const auto at = static_cast<std::size_t>(stream_.CurrentPosition());
    if (size > message_.size() - at || !stream_.Skip(static_cast<int>(size))) return corrupt();
    found_ = message_.subspan(at, size);
    return true;
  }
  bool corrupt() {
    corrupt_ = true;
    return false;
  }

  std::span<const std::byte> message_, found_;
  CodedInputStream stream_;
  int begin_ = 0;
  std::string rest_;
  bool corrupt_ = false;
};

bool parse_payload(std::span<const std::byte> record, api::common::v1::Payload& payload,
                   BytesView& data) {
  Fields fields(record);
  while (fields.find(kData)) {
    data = {};
    if (fields.found().size() > ipc::kInlineLimit)
      data = fields.found();
    else
      fields.collect();
  }
  return fields.merge_rest(payload);
}

bool parse(std::span<const std::byte> record, v1::Start& start, std::vector<BytesView>& data) {
  start.Clear();
  data.clear();
  Fields fields(record);
  while (fields.find(kInput)) {
    auto& input = *start.mutable_input();
    Fields payloads(fields.found());
    while (payloads.find(kPayloads))
      if (!parse_payload(payloads.found(), *input.add_payloads(), data.emplace_back()))
        return false;
    if (!payloads.merge_rest(input)) return false;
  }
  return fields.merge_rest(start);
}

}  // namespace

ipc::Parsed parse_in_place(std::span<const std::byte> record, v1::Start& start,
                           std::vector<BytesView>& data) noexcept {
  try {
    return parse(record, start, data) ? ipc::Parsed::done : ipc::Parsed::corrupt;
  } catch (const std::bad_alloc&) {
    return ipc::Parsed::no_resources;
  }
}

}  // namespace temporal::child
