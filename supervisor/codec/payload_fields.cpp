// SPDX-License-Identifier: MIT
#include "supervisor/codec/payload_fields.hpp"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "shared/payload_proto.hpp"
#include "temporal/api/command/v1/message.pb.h"
#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/history/v1/message.pb.h"

namespace temporal::supervisor {

namespace common = api::common::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

namespace {

// The one entry of a marker that is the user's own.
constexpr const char* kResult = "result";

template <class T>
T* as(Message& message) {
  return message.GetDescriptor() == T::descriptor() ? static_cast<T*>(&message) : nullptr;
}

class Visit {
 public:
  Visit(const ChangePayloads& change, bool headers) : change_(change), headers_(headers) {}

  void message(Message& message) const {
    if (as<common::SearchAttributes>(message)) return;
    if (as<common::Header>(message) && !headers_) return;
    if (auto* many = as<common::Payloads>(message)) return list(*many);
    if (auto* one = as<common::Payload>(message)) return single(*one);
    if (auto* any = as<google::protobuf::Any>(message)) return packed(*any);
    if (auto* recorded = as<api::history::v1::MarkerRecordedEventAttributes>(message))
      return marker(*recorded);
    if (auto* command = as<api::command::v1::RecordMarkerCommandAttributes>(message))
      return marker(*command);
    fields(message);
  }

 private:
  void list(common::Payloads& payloads) const {
    if (payloads.payloads().empty()) return;
    const auto changed = change_(from_proto(payloads));
    payloads.clear_payloads();
    to_proto(changed, &payloads);
  }

  void single(common::Payload& payload) const {
    const auto changed = change_({from_proto(payload)});
    if (changed.size() != 1)
      throw std::runtime_error("it made " + std::to_string(changed.size()) +
                               " payloads of one, where there is room for one");
    payload.Clear();
    to_proto(changed.front(), &payload);
  }

  void packed(google::protobuf::Any& any) const {
    const auto name = any.type_url().substr(any.type_url().rfind('/') + 1);
    const auto* type =
        google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(name);
    if (!type) return;
    const std::unique_ptr<Message> inside(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
    if (!inside->ParseFromString(any.value())) return;
    message(*inside);
    any.set_value(inside->SerializeAsString());
  }

  template <class Marker>
  void marker(Marker& marker) const {
    const auto result = marker.mutable_details()->find(kResult);
    if (result != marker.mutable_details()->end()) list(result->second);
    if (marker.has_failure()) message(*marker.mutable_failure());
    if (marker.has_header()) message(*marker.mutable_header());
  }

  void fields(Message& message) const {
    const auto& look = *message.GetReflection();
    std::vector<const FieldDescriptor*> set;
    look.ListFields(message, &set);
    for (const auto* field : set) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      if (!field->is_repeated()) {
        this->message(*look.MutableMessage(&message, field));
        continue;
      }
      for (int i = 0; i < look.FieldSize(message, field); ++i)
        this->message(*look.MutableRepeatedMessage(&message, field, i));
    }
  }

  const ChangePayloads& change_;
  const bool headers_;
};

}  // namespace

void change_payloads(Message& message, const ChangePayloads& change, bool headers) {
  Visit(change, headers).message(message);
}

}  // namespace temporal::supervisor
