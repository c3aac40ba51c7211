// SPDX-License-Identifier: MIT
#include "supervisor/workflow/sdk_flags.hpp"

#include <doctest/doctest.h>

#include "supervisor/workflow/errors.hpp"
#include "supervisor/workflow/siphash.hpp"

namespace temporal::engine {
namespace {

SdkFlags::Metadata metadata(std::initializer_list<std::uint32_t> core,
                            std::initializer_list<std::uint32_t> lang, const char* name) {
  SdkFlags::Metadata metadata;
  for (auto flag : core) metadata.add_core_used_flags(flag);
  for (auto flag : lang) metadata.add_lang_used_flags(flag);
  metadata.set_sdk_name(name);
  metadata.set_sdk_version(kSdkVersion);
  return metadata;
}

}  // namespace

TEST_CASE(
    "N016 the first completion writes core flags 1, 2, 3, language flag 2 and our name, later ones "
    "nothing") {
  SdkFlags flags(true, false);
  const auto first = flags.news();
  CHECK(first.SerializeAsString() == metadata({1, 2, 3}, {2}, kSdkName).SerializeAsString());
  flags.read(first, 4);
  CHECK(flags.news().ByteSizeLong() == 0);
}

TEST_CASE("a flag counts while replaying only if history has it") {
  SdkFlags flags(true, false);
  CHECK(flags.use(CoreFlag::move_terminal_commands, false));
  CHECK_FALSE(flags.use(CoreFlag::move_terminal_commands, true));
  flags.read(metadata({3}, {}, kSdkName), 4);
  CHECK(flags.use(CoreFlag::move_terminal_commands, true));
  CHECK_FALSE(flags.use(CoreFlag::id_and_type_checks, true));
}

TEST_CASE("a server that keeps no metadata: every flag is unset, nothing is written") {
  SdkFlags flags(false, false);
  CHECK_FALSE(flags.use(CoreFlag::move_terminal_commands, false));
  CHECK(flags.news().ByteSizeLong() == 0);
}

TEST_CASE("an unknown flag is refused: a newer worker wrote it") {
  SdkFlags flags(true, false);
  CHECK_THROWS_AS(flags.read(metadata({1, 4}, {}, kSdkName), 4), EngineError);
  SdkFlags lang(true, false);
  CHECK_THROWS_WITH_AS(lang.read(metadata({}, {7}, kSdkName), 4),
                       "event 4 uses the language SDK flag 7, which this worker does not know: the "
                       "run was recorded by a newer one. Upgrade this worker",
                       EngineError);
}

TEST_CASE(
    "another SDK's run is refused live; the replay tool takes it and ignores its language flags") {
  const auto theirs = metadata({1}, {1, 99}, "temporal-go");
  SdkFlags live(true, false);
  CHECK_THROWS_AS(live.read(theirs, 4), EngineError);
  SdkFlags tool(true, true);
  tool.read(theirs, 4);
  CHECK(tool.foreign());
  CHECK(SdkFlags(true, true).foreign());
  CHECK_FALSE(SdkFlags(true, false).foreign());
}

TEST_CASE("the random seed is SipHash-1-3 of the run id and 0xFF") {
  CHECK(siphash13("") == 15130871412783076140U);
  CHECK(randomness_seed("") == 3476900567878811119U);
  CHECK(randomness_seed("fake_run_id") == 14648971502492295218U);
  CHECK(randomness_seed("11111111-2222-3333-4444-555555555555") == 7727541144460110179U);
}

}  // namespace temporal::engine
