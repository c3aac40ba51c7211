// SPDX-License-Identifier: MIT
#include "shared/options_proto.hpp"

#include <google/protobuf/duration.pb.h>

#include <map>
#include <stdexcept>

#include "shared/payload_proto.hpp"
#include "temporal/payload.hpp"

namespace temporal {

namespace enums = api::enums::v1;

namespace {

void set_fields(const std::map<std::string, Payload>& fields,
                google::protobuf::Map<std::string, api::common::v1::Payload>* proto) {
  for (const auto& [name, value] : fields)
    if (value.encoding() != detail::kNull) to_proto(value, &(*proto)[name]);
}

}  // namespace

void check(const RetryPolicy& retry, const std::string& what) {
  constexpr auto kZero = Duration::zero();
  const auto refuse = [&](const char* why) { throw std::invalid_argument(what + ": " + why); };
  if (retry.initial_interval < kZero || retry.maximum_interval < kZero)
    refuse("a retry interval must not be negative");
  if (retry.maximum_attempts < 0) refuse("maximum_attempts must not be negative");
  if (retry.backoff_coefficient != 0 && !(retry.backoff_coefficient >= 1))
    refuse("backoff_coefficient must be at least 1");
  if (retry.maximum_interval > kZero && retry.maximum_interval < retry.initial_interval)
    refuse("maximum_interval must not be shorter than initial_interval");
}

bool is_set(const RetryPolicy& retry) {
  return retry.initial_interval > Duration::zero() || retry.backoff_coefficient != 0 ||
         retry.maximum_interval > Duration::zero() || retry.maximum_attempts != 0 ||
         retry.non_retryable.count != 0;
}

void set_retry_policy(const RetryPolicy& retry, api::common::v1::RetryPolicy* proto) {
  if (retry.initial_interval > Duration::zero())
    to_proto(retry.initial_interval, proto->mutable_initial_interval());
  proto->set_backoff_coefficient(retry.backoff_coefficient);
  if (retry.maximum_interval > Duration::zero())
    to_proto(retry.maximum_interval, proto->mutable_maximum_interval());
  proto->set_maximum_attempts(retry.maximum_attempts);
  for (std::size_t i = 0; i < retry.non_retryable.count; ++i)
    proto->add_non_retryable_error_types(std::string(retry.non_retryable.names[i]));
}

void set_memo(const Memo& memo, api::common::v1::Memo* proto) {
  set_fields(memo.fields(), proto->mutable_fields());
}

void set_search_attributes(const SearchAttributes& attributes,
                           api::common::v1::SearchAttributes* proto) {
  set_fields(attributes.fields(), proto->mutable_indexed_fields());
}

const char* fault_of(const Priority& priority) {
  if (priority.key < 0) return "priority.key must not be negative";
  if (priority.fairness_weight < 0) return "priority.fairness_weight must not be negative";
  return nullptr;
}

bool is_set(const Priority& priority) {
  return priority.key != 0 || !priority.fairness_key.empty() || priority.fairness_weight != 0;
}

void set_priority(const Priority& priority, api::common::v1::Priority* proto) {
  proto->set_priority_key(priority.key);
  proto->set_fairness_key(std::string(priority.fairness_key));
  proto->set_fairness_weight(priority.fairness_weight);
}

enums::WorkflowIdReusePolicy policy_of(IdReuse reuse) {
  switch (reuse) {
    case IdReuse::allow_duplicate:
      return enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE;
    case IdReuse::allow_duplicate_failed_only:
      return enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY;
    case IdReuse::reject_duplicate:
      return enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE;
  }
  return enums::WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED;
}

enums::WorkflowIdConflictPolicy policy_of(IdConflict conflict) {
  switch (conflict) {
    case IdConflict::fail:
      return enums::WORKFLOW_ID_CONFLICT_POLICY_FAIL;
    case IdConflict::use_existing:
      return enums::WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING;
    case IdConflict::terminate_existing:
      return enums::WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING;
  }
  return enums::WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED;
}

}  // namespace temporal
