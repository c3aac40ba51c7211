// SPDX-License-Identifier: MIT
#include "supervisor/workflow/sdk_flags.hpp"

#include <algorithm>
#include <array>

#include "supervisor/workflow/errors.hpp"

namespace temporal::engine {

const char* const kSdkVersion = TEMPORAL_SUPERVISOR_VERSION;

namespace {

constexpr std::array<std::uint32_t, 3> kCoreFlags{1, 2, 3};
constexpr std::array<std::uint32_t, 1> kLangFlags{2};

template <class Known>
void take(const google::protobuf::RepeatedField<std::uint32_t>& flags, const Known& known,
          const char* kind, std::int64_t event_id, std::set<std::uint32_t>& into) {
  for (auto flag : flags) {
    if (std::find(known.begin(), known.end(), flag) == known.end())
      throw EngineError(event_id, "event " + std::to_string(event_id) + " uses the " + kind +
                                      " SDK flag " + std::to_string(flag) +
                                      ", which this worker does not know: the run was recorded by "
                                      "a newer one. Upgrade this worker");
    into.insert(flag);
  }
}

}  // namespace

void SdkFlags::read(const Metadata& metadata, std::int64_t event_id) {
  if (!metadata.sdk_name().empty()) sdk_name_ = metadata.sdk_name();
  if (!metadata.sdk_version().empty()) sdk_version_ = metadata.sdk_version();
  const bool other_sdk = !sdk_name_.empty() && sdk_name_ != kSdkName;
  if (other_sdk && !replay_only_)
    throw EngineError(event_id, "this run was served before by a worker of another SDK (" +
                                    sdk_name_ + " " + sdk_version_ +
                                    "): its workers share a task queue with this one");
  take(metadata.core_used_flags(), kCoreFlags, "core", event_id, core_);
  // Language flags are numbered by each SDK for itself.
  if (sdk_name_ == kSdkName)
    take(metadata.lang_used_flags(), kLangFlags, "language", event_id, lang_);
}

bool SdkFlags::use(CoreFlag flag, bool replaying) const {
  if (!kept_) return false;
  return !replaying || core_.contains(static_cast<std::uint32_t>(flag));
}

bool SdkFlags::foreign() const {
  return sdk_name_ != kSdkName && (replay_only_ || !sdk_name_.empty());
}

SdkFlags::Metadata SdkFlags::news() const {
  Metadata news;
  if (!kept_) return news;
  for (auto flag : kCoreFlags)
    if (!core_.contains(flag)) news.add_core_used_flags(flag);
  for (auto flag : kLangFlags)
    if (!lang_.contains(flag)) news.add_lang_used_flags(flag);
  if (sdk_name_ != kSdkName) news.set_sdk_name(kSdkName);
  if (sdk_version_ != kSdkVersion) news.set_sdk_version(kSdkVersion);
  return news;
}

}  // namespace temporal::engine
