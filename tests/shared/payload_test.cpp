// SPDX-License-Identifier: MIT
#include "temporal/payload.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "shared/decoded_once.hpp"
#include "temporal/signature.hpp"

using temporal::Bytes;
using temporal::DecodeError;
using temporal::from_payload;
using temporal::Payload;
using temporal::Payloads;
using temporal::to_payload;

namespace shop {

struct Item {
  std::string sku;
  int quantity = 0;
  bool operator==(const Item&) const = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Item, sku, quantity)

}  // namespace shop

namespace {

Payload payload(std::string encoding, std::string data) {
  return {{{"encoding", std::move(encoding)}}, std::move(data)};
}

template <class T>
std::string refusal(const Payload& given) {
  try {
    (void)from_payload<T>(given);
  } catch (const DecodeError& error) {
    return error.what();
  }
  return "decoded";
}

template <class... Params>
std::string refused_arguments(const Payloads& given) {
  try {
    (void)temporal::detail::decode_arguments<std::tuple<Params...>>(given);
  } catch (const DecodeError& error) {
    return error.what();
  }
  return "decoded";
}

bool says(const std::string& text, std::string_view part) {
  INFO(text);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

}  // namespace

TEST_CASE("values cross as JSON, and come back as they were") {
  CHECK(to_payload(std::string("tea")) == payload("json/plain", R"("tea")"));
  CHECK(to_payload("tea") == payload("json/plain", R"("tea")"));
  CHECK(to_payload(42) == payload("json/plain", "42"));
  CHECK(to_payload(true) == payload("json/plain", "true"));
  CHECK(to_payload(std::vector{1, 2}) == payload("json/plain", "[1,2]"));
  CHECK(from_payload<std::string>(to_payload(std::string("tea"))) == "tea");
  CHECK(from_payload<double>(payload("json/plain", "3")) == 3.0);
  CHECK(from_payload<std::map<std::string, int>>(payload("json/plain", R"({"a":1})")) ==
        std::map<std::string, int>{{"a", 1}});
  for (auto edge : {std::numeric_limits<std::int64_t>::min(), std::int64_t{0},
                    std::numeric_limits<std::int64_t>::max()})
    CHECK(from_payload<std::int64_t>(to_payload(edge)) == edge);
  const auto most = std::numeric_limits<std::uint64_t>::max();
  CHECK(from_payload<std::uint64_t>(to_payload(most)) == most);
}

TEST_CASE("a user's struct crosses by its members' names") {
  const shop::Item item{"tea", 2};
  CHECK(to_payload(item) == payload("json/plain", R"({"quantity":2,"sku":"tea"})"));
  CHECK(from_payload<shop::Item>(payload("json/plain", R"({"sku":"tea","quantity":2,"new":1})")) ==
        item);
}

TEST_CASE("Bytes cross untouched, whatever they hold") {
  const Bytes bytes(std::string("\0\xff\xfe raw", 7));
  const auto crossed = to_payload(bytes);
  CHECK(crossed.encoding() == "binary/plain");
  CHECK(crossed.data == bytes.data);
  CHECK(from_payload<Bytes>(crossed) == bytes);
  CHECK(from_payload<Bytes>(payload("binary/null", "")) == Bytes());
}

TEST_CASE("whole numbers are written as JSON writes them") {
  const auto written = [](auto number) { return to_payload(number).data; };
  CHECK(written(0) == "0");
  CHECK(written(-1) == "-1");
  CHECK(written(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(written(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  CHECK(written(true) == "true");
  CHECK(written(1.0) == "1.0");
}

TEST_CASE("bytes are taken from arguments that are decoded once, and from nothing else") {
  Payloads arguments{to_payload(Bytes("taken")), to_payload(std::string("text"))};
  const Payload other = to_payload(Bytes("left"));
  {
    const temporal::detail::DecodedOnce once(arguments);
    const Payloads copy = arguments;
    CHECK(from_payload<Bytes>(copy[0]) == Bytes("taken"));
    CHECK(copy[0].data == "taken");
    const auto [bytes, text] =
        temporal::detail::decode_arguments<std::tuple<Bytes, std::string>>(arguments);
    CHECK(bytes == Bytes("taken"));
    CHECK(text == "text");
    CHECK(arguments[0].data.empty());
    CHECK(from_payload<Bytes>(other) == Bytes("left"));
    CHECK(other.data == "left");
  }
  arguments[0] = other;
  CHECK(from_payload<Bytes>(arguments[0]) == Bytes("left"));
  CHECK(arguments[0].data == "left");
}

TEST_CASE("a view of bytes sees them where they are, in the payload or elsewhere") {
  using temporal::BytesView;
  using temporal::detail::Lifetime;
  const std::string segment = "far away";
  Payloads arguments{to_payload(Bytes("near")), to_payload(Bytes()), to_payload(nullptr)};
  const std::vector<BytesView> elsewhere{{}, std::as_bytes(std::span(segment))};
  using Views = std::tuple<BytesView, BytesView, BytesView>;
  const auto decode = [&] {
    return temporal::detail::decode_arguments<Views, Lifetime::of_the_call>(arguments);
  };
  {
    const temporal::detail::DecodedOnce once(arguments, elsewhere);
    const auto [near, far, none] = decode();
    CHECK(near.data() == std::as_bytes(std::span(arguments[0].data)).data());
    CHECK(near.size() == 4);
    CHECK(far.data() == elsewhere[1].data());
    CHECK(far.size() == segment.size());
    CHECK(none.empty());
    CHECK(temporal::detail::DecodedOnce::whole(arguments)[1].data == segment);
  }
  CHECK(std::get<1>(decode()).empty());
  arguments[2] = to_payload(std::string("text"));
  CHECK_THROWS_WITH_AS((void)decode(), doctest::Contains("argument 3 of 3"), temporal::DecodeError);
}

TEST_CASE("what is passed for a view of bytes crosses as bytes") {
  const Bytes bytes(std::string("\0\xff raw", 6));
  using One = temporal::detail::TypeList<temporal::BytesView>;
  CHECK(temporal::detail::encode_arguments(One{}, bytes).at(0) == to_payload(bytes));
  const std::vector<std::byte> two(2, std::byte{7});
  CHECK(temporal::detail::encode_arguments(One{}, two).at(0) == to_payload(Bytes("\a\a")));
  static_assert(temporal::detail::kViewing<std::tuple<int, temporal::BytesView, Bytes>> == 2);
  static_assert(temporal::detail::kViewing<std::tuple<>> == 0);
}

TEST_CASE("nothing is binary/null, and reads as nothing") {
  CHECK(to_payload(nullptr) == payload("binary/null", ""));
  CHECK(to_payload(std::optional<int>()) == payload("binary/null", ""));
  CHECK(to_payload(std::optional<int>(7)) == payload("json/plain", "7"));
  CHECK(from_payload<std::optional<int>>(payload("binary/null", "")) == std::nullopt);
  CHECK(from_payload<std::optional<int>>(payload("json/plain", "null")) == std::nullopt);
  CHECK(from_payload<std::optional<int>>(payload("json/plain", "7")) == 7);
  CHECK(from_payload<std::optional<Bytes>>(to_payload(Bytes("x"))) == Bytes("x"));
  from_payload<void>(payload("json/plain", "no one asks"));
  from_payload<void>(Payload{});
}

TEST_CASE("a Payload is passed on as it is, foreign encodings included") {
  const Payload foreign{{{"encoding", "binary/encrypted"}, {"key", "k1"}}, "\x01\x02"};
  CHECK(to_payload(foreign) == foreign);
  CHECK(from_payload<Payload>(foreign) == foreign);
}

TEST_CASE("text that is not UTF-8 is refused when it is encoded") {
  CHECK_THROWS_AS(to_payload(std::string("\xff")), nlohmann::json::exception);
}

TEST_CASE("what does not decode names the wanted type, the encoding and what was there") {
  const auto wrong = refusal<shop::Item>(payload("json/plain", R"({"sku":"tea"})"));
  says(wrong, "shop::Item");
  says(wrong, "json/plain");
  says(wrong, "quantity");
  says(wrong, R"({"sku":"tea"})");

  const auto broken = refusal<std::string>(payload("json/plain", "{\"cut"));
  says(broken, "as std::string");
  says(broken, "{\"cut");

  const auto foreign = refusal<int>(payload("binary/protobuf", "\x08\x01"));
  says(foreign, "binary/protobuf");
  says(foreign, "as int");
  says(refusal<int>(Payload{{}, "1"}), "without an encoding");
  says(refusal<int>(payload("binary/null", "")), "it holds nothing");
  says(refusal<Bytes>(payload("json/plain", "1")), "temporal::Bytes");

  const auto large = refusal<int>(payload("json/plain", '"' + std::string(5000, 'x') + '"'));
  CHECK(large.size() < 500);
}

TEST_CASE("a number that the wanted integer cannot hold is refused, never cut") {
  says(refusal<int>(payload("json/plain", "3000000000")), "does not fit");
  says(refusal<int>(payload("json/plain", "3.7")), "does not fit");
  says(refusal<unsigned>(payload("json/plain", "-1")), "does not fit");
  says(refusal<std::int8_t>(payload("json/plain", "128")), "does not fit");
  says(refusal<int>(payload("json/plain", "true")), "does not fit");
  CHECK(from_payload<int>(payload("json/plain", "3.0")) == 3);
  CHECK(from_payload<std::int64_t>(payload("json/plain", "3000000000")) == 3'000'000'000);
}

TEST_CASE("arguments are decoded in order; only optional ones may be missing; more are ignored") {
  using Values = std::tuple<std::string, int, std::optional<int>>;
  const Payloads two{to_payload("a"), to_payload(1)};
  const Payloads four{to_payload("a"), to_payload(1), to_payload(2), to_payload(3)};
  CHECK(temporal::detail::decode_arguments<Values>(two) == Values{"a", 1, std::nullopt});
  CHECK(temporal::detail::decode_arguments<Values>(four) == Values{"a", 1, 2});
  CHECK(temporal::detail::decode_arguments<std::tuple<>>(four) == std::tuple<>());

  says(refused_arguments<std::string, int>({to_payload("a")}), "argument 2 of 2 is missing");
  const auto wrong = refused_arguments<std::string, int>({to_payload("a"), to_payload("b")});
  says(wrong, "argument 2 of 2");
  says(wrong, "as int");
}

TEST_CASE("arguments are encoded as the parameters' types") {
  using temporal::detail::encode_arguments;
  using temporal::detail::TypeList;
  CHECK(encode_arguments(TypeList<const std::string&, double, std::optional<int>>{}, "a", 1, 2) ==
        Payloads{payload("json/plain", R"("a")"), payload("json/plain", "1.0"),
                 payload("json/plain", "2")});
  CHECK(encode_arguments(TypeList<>{}).empty());
}
