// SPDX-License-Identifier: MIT
#include "child/start_in_place.hpp"

#include <doctest/doctest.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <random>
#include <string>

using namespace temporal;
using child::parse_in_place;
using child::v1::Start;

namespace {

std::vector<std::byte> serialized(const Start& start) {
  std::vector<std::byte> record(start.ByteSizeLong());
  start.SerializeToArray(record.data(), static_cast<int>(record.size()));
  return record;
}

Start random_start(std::mt19937_64& random) {
  constexpr std::size_t kSizes[] = {0, 1, 200, ipc::kInlineLimit, ipc::kInlineLimit + 1, 100'000};
  Start start;
  start.set_task(random());
  start.set_activity_type("measure");
  (*start.mutable_header()->mutable_fields())["trace"].set_data("of the caller");
  for (auto left = random() % 5; left > 0; --left) {
    auto& payload = *start.mutable_input()->add_payloads();
    if (random() % 4 != 0) (*payload.mutable_metadata())["encoding"] = "binary/plain";
    const auto size = kSizes[random() % std::size(kSizes)];
    const auto letter = static_cast<char>('a' + random() % 26);
    payload.set_data(std::string(size, letter));
  }
  start.set_is_local(random() % 2 != 0);
  return start;
}

// As if nothing had been left.
void put_back(Start& start, const std::vector<BytesView>& data) {
  for (std::size_t i = 0; i < data.size(); ++i)
    if (!data[i].empty())
      start.mutable_input()
          ->mutable_payloads(static_cast<int>(i))
          ->set_data(data[i].data(), data[i].size());
}

bool same(const Start& one, const Start& other) {
  return google::protobuf::util::MessageDifferencer::Equals(one, other);
}

}  // namespace

TEST_CASE("a task that is parsed in place is the one that was sent, but for what is large") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 300; ++i) {
    const Start sent = random_start(random);
    const auto record = serialized(sent);
    Start start;
    std::vector<BytesView> data;
    REQUIRE(parse_in_place(record, start, data) == ipc::Parsed::done);
    REQUIRE(data.size() == static_cast<std::size_t>(sent.input().payloads_size()));
    for (std::size_t at = 0; at < data.size(); ++at) {
      const auto size = sent.input().payloads(static_cast<int>(at)).data().size();
      CHECK(data[at].size() == (size > ipc::kInlineLimit ? size : 0));
      CHECK(start.input().payloads(static_cast<int>(at)).data().empty() ==
            (size == 0 || size > ipc::kInlineLimit));
      if (!data[at].empty())
        CHECK((data[at].data() > record.data() &&
               data[at].data() + data[at].size() <= record.data() + record.size()));
    }
    put_back(start, data);
    CHECK(same(start, sent));
  }
}

TEST_CASE("what nobody sends is parsed as any parser would, or refused as by any") {
  std::mt19937_64 random(2);
  int refused = 0;
  for (int i = 0; i < 3'000; ++i) {
    Start sent = random_start(random);
    auto record = serialized(sent);
    for (auto changes = 1 + random() % 3; changes > 0; --changes)
      record[random() % std::min<std::size_t>(record.size(), 300)] = std::byte(random() % 256);
    if (random() % 3 == 0) record.resize(random() % record.size());
    Start start, expected;
    std::vector<BytesView> data;
    const bool good = expected.ParseFromArray(record.data(), static_cast<int>(record.size()));
    const bool parsed = parse_in_place(record, start, data) == ipc::Parsed::done;
    CHECK(parsed == good);
    refused += !parsed;
    if (!parsed || !good) continue;
    put_back(start, data);
    CHECK(same(start, expected));
  }
  CHECK(refused > 0);
}
