// SPDX-License-Identifier: MIT
// Which shapes are dangerous and which are not, GCC 12 itself says in tests/compiler.
#include "supervisor/lint/lint.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace temporal::supervisor::lint;
namespace fs = std::filesystem;

namespace {

const std::string kTypes = R"(
struct Item { std::string name; int quantity = 0; };
struct Point { int x; std::chrono::seconds at; Shape shape; std::optional<int> y; };
enum class Shape { round, square };
class Order { public: Order(Item item, int n); private: Item item_; };
using Goods = Item;
)";

std::vector<Finding> findings(const std::string& text) {
  Types types;
  types.learn(read_source(kTypes));
  const auto source = read_source(text);
  types.learn(source);
  return lint(source, types);
}

// In a coroutine that has a variable.
std::string in_coroutine(const std::string& statement) {
  return "Task<int> run(Item given, std::string text, int number, Shape shape) {\n"
         "  Item item;\n  " +
         statement + "\n  co_return 1;\n}\n";
}

void finds(const std::string& statement, std::string_view part) {
  CAPTURE(statement);
  const auto found = findings(in_coroutine(statement));
  REQUIRE(found.size() == 1);
  CAPTURE(found[0].sentence);
  CHECK(found[0].line == 3);
  CHECK(found[0].sentence.find(part) != std::string::npos);
  CHECK(found[0].sentence.find("name") != std::string::npos);  // what to do
}

void is_clean(const std::string& statement) {
  CAPTURE(statement);
  for (const auto& finding : findings(in_coroutine(statement)))
    FAIL_CHECK(finding.line, ": ", finding.sentence);
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("an aggregate that owns something, made inside a co_await expression, is found") {
  for (const char* statement :
       {"co_await store(Item{\"tea\", 2});", "co_await store(Item{.name = text});",
        "co_await store(shop::Item{});", "co_await store(Goods{});",
        "auto sum = price(Item{text}) + co_await count();", "co_yield Item{text};",
        "co_await Item{text};", "if (co_await store(Item{text})) item = given;",
        "for (int i : co_await all(Item{text})) use(i);", "co_await store(Item(text, 2));",
        "co_await store(std::optional<Item>{Item{text}});",
        "co_await store(std::array<std::string, 2>{});",
        "co_await store(std::unique_ptr<Item>(new Item{text, 1}));"})
    finds(statement, "is destroyed twice by GCC 12, for it is made inside");
  finds("co_await store({.name = text, .quantity = 2});", "what {...} makes");
  finds("co_await store({text, 2});", "if it is an aggregate");
  finds("co_await store({});", "if it is an aggregate");
  finds("co_await client.update({text, 2});", "if it is an aggregate");
  finds("co_await store(Elsewhere{text});", "`Elsewhere{...}` is destroyed twice by GCC 12 if");
}

TEST_CASE("an aggregate with a co_await inside is found, even if it has a name") {
  for (const char* statement :
       {"Item other{text, co_await count()};", "Item other = {text, co_await count()};",
        "const Item other(text, co_await count());"})
    finds(statement, "`other` is destroyed twice by GCC 12, for a co_await stands inside");
  finds("auto other = Item{text, co_await count()};", "for a co_await stands inside");
  finds("co_await store(1, Item{text, co_await count()});", "for a co_await stands inside");
  finds("item = {text, co_await count()};", "for a co_await stands inside");
  finds("goods.push_back({text, co_await count()});", "for a co_await stands inside");
  finds("co_return {text, co_await count()};", "for a co_await stands inside");
}

TEST_CASE("what has a constructor, a name, or nothing to destroy is safe") {
  for (const char* statement :
       {"co_await store(std::string{\"tea\"});", "co_await store(Order{item, 2});",
        "co_await store(item, std::move(given));", "co_await store(make_item());",
        "auto kept = store(Item{text}); co_await kept;", "Item other{text}; co_await store(other);",
        "co_return Item{text, 1};", "co_await store(Point{1, 2s});", "co_await store(Shape{});",
        "co_await store(std::array<int, 2>{1, 2}, std::optional<Item>{});",
        "co_await sleep(std::chrono::milliseconds{number});", "const int n{co_await count()};",
        "Point point{co_await count()};", "auto copy{co_await fetch()};",
        "boost::asio::ip::tcp::endpoint at{co_await address(), 1}; use(at);",
        "co_await store(number < 2, item.quantity > 1);",
        "int several[2]{}; co_await f(several[0]);",
        "if (auto found = use(Item{text}); co_await count()) use(found);"})
    is_clean(statement);
}

TEST_CASE("options of this library are safe in braces") {
  for (const char* statement :
       {"co_await workflow::execute_activity<charge>({.start_to_close_timeout = 10s,\n"
        "  .retry = {.maximum_attempts = 3}}, item, 2);",
        "auto kid = co_await workflow::start_child<Kid>({}, text);",
        "co_await client.start<Kid>({.task_queue = \"shop\"}, item);",
        "co_await client.start<Kid>({}, item);",
        "co_await client.start<int>(\"Kid\", temporal::StartOptions{.id = text});",
        "co_await calmly({.start_to_close_timeout = 10s});",
        "co_await workflow::sleep(10ms, {.summary = \"a nap\"});"})
    is_clean(statement);
  finds("co_await workflow::execute_activity<f>({.id = text}, Item{text});", "`Item{...}`");
}

TEST_CASE("a lambda that captures by value what owns something is found inside co_await") {
  for (const char* capture : {"text", "item", "&, text", "this, text", "=", "*this", "n = item",
                              "n = std::move(text)", "t = std::string(\"a\")"})
    finds("co_await call([" + std::string(capture) + "] { return f(text); });",
          "is destroyed twice by GCC 12");
  finds("co_await call([text] {});",
        "the lambda's copy of `text` is destroyed twice by GCC 12, for");
  finds("co_await call([unknown] {});", "if it owns something");
  finds("co_await [text]() -> Task<int> { co_return 1; }();", "`text`");
}

TEST_CASE("a lambda is safe by reference, with a name, or with copies that own nothing") {
  for (const char* statement :
       {"co_await call([&] { return f(text); });", "co_await call([this] { return f(text_); });",
        "co_await call([&text, number] { return f(text); });", "co_await call([] { return 1; });",
        "co_await call([=] { return f(number, shape); });", "co_await call([n = 3, shape] {});",
        "auto later = [text] { return f(text); }; co_await call(later);",
        "auto each = [text]() -> Task<int> { co_return co_await f(text); };",
        "const auto* there = &item; co_await call([there] {});",
        "co_await call([&] { f(Item{text}); g([text] {}); });"})
    is_clean(statement);
  finds("auto each = [&]() -> Task<int> { co_return co_await store(Item{text}); };", "`Item{...}`");
}

TEST_CASE("a ?: that makes an object inside a co_await expression is found") {
  for (const char* statement :
       {"co_return co_await ready() ? \"yes\" : text;", "co_await store(number ? text : name());",
        "auto is = number ? co_await first() : co_await second();",
        "co_await store(number ? std::string(\"a\") : text);"})
    finds(statement, "what ?: makes is destroyed twice");
  for (const char* statement :
       {"co_return co_await ready() ? \"yes\" : \"no\";", "co_await store(number ? text : other);",
        "co_await sleep(number ? 100ms : 200ms);", "co_await store(number ? number : count());",
        "const int n = number ? co_await first() : co_await second();",
        "const bool told = co_await ready(); co_return told ? \"yes\" : text;"})
    is_clean(statement);
}

TEST_CASE("a condition that awaits is found in a coroutine without a variable of its own") {
  const auto lines = [](const std::string& body) {
    std::vector<int> result;
    for (const auto& finding : findings(
             "struct W {\n  [[nodiscard]] Task<int> run(int parameter) {\n" + body + "\n  }\n};")) {
      CHECK(finding.sentence.find("const bool told = co_await ...;") != std::string::npos);
      result.push_back(finding.line);
    }
    return result;
  };
  for (const char* body :
       {"if (!co_await told()) co_return 1;", "while (co_await told()) f();",
        "for (; co_await told();) f();", "switch (co_await told()) { default: f(); }",
        "do { f(); } while (co_await told());",
        "try { if (parameter && co_await told()) f(); } catch (...) {}",
        "if (parameter) f(); else if (co_await told()) g();"}) {
    CAPTURE(body);
    CHECK(lines(body) == std::vector<int>{3});
  }
  CHECK(lines("co_await f();\nif (co_await told()) f();\nif (co_await told()) g();") ==
        std::vector<int>{4, 5});
  for (const char* body :
       {"int n = 0; if (co_await told()) f();", "if (co_await told()) { std::string s; f(s); }",
        "for (int i = 0; i < 2; ++i) if (co_await told()) f();",
        "if (co_await wait([this] { return told_; })) f();",
        "const bool yes = co_await told(); if (yes) f();", "if (bool yes = co_await told()) f();",
        "while (!told_) co_await f();", "try { if (co_await told()) f(); } catch (const Error&) {}",
        "call([]() -> Task<int> { if (co_await told()) f(); });"}) {
    CAPTURE(body);
    CHECK(lines(body).empty());
  }
}

TEST_CASE("a comment on the line silences it; comments, texts and macros are no code") {
  is_clean("co_await store(Item{text});  // lint: safe, it is never reached");
  finds("co_await store(Item{text});\n  // lint: safe", "`Item{...}`");
  for (const char* statement :
       {"// co_await store(Item{text});", "/* co_await\n store(Item{text}); */ f();",
        "log(\"co_await store(Item{text});\");", "log(R\"x(co_await )\" store(Item{text}))x\");",
        "char c = '{'; char d = '\\''; int n = 1'000; co_await f(c, d, n);",
        "\n#define STORE co_await \\\n  store(Item{text})\n"})
    is_clean(statement);
}

TEST_CASE("a macro without a semicolon does not hide the class after it") {
  const auto found = findings(
      "DEFINE_JSON(Item, name)\nclass W {\n public:\n  W() : n_{1}, m_(2) {}\n"
      "  Task<int> run(std::string text) {\n    Item item;\n    co_await store(Item{text});\n  }\n"
      "};\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].line == 7);
}

TEST_CASE("brackets that do not close are said with their line") {
  CHECK_THROWS_WITH_AS(read_source("int f() {\n  g(1;\n}"), "3: '}' closes nothing", SourceError);
  CHECK_THROWS_WITH_AS(read_source("\nint f() {"), "2: '{' is never closed", SourceError);
}

TEST_CASE("half a source is no reason to crash") {
  std::string whole = kTypes +
                      in_coroutine("co_await call([=] { return f<int>(text ? 1 : 2); });") +
                      "namespace a::b { template <class T> struct X final : Y<T> { int z{1}; }; }";
  for (std::size_t size = 0; size <= whole.size(); ++size)
    for (const char* rest : {"", "\"", "'", "/*", "<", "::", "co_await", "[", "R\"("}) try {
        (void)findings(whole.substr(0, size) + rest);
        (void)findings(whole.substr(size) + rest);
      } catch (const SourceError&) {
        continue;
      }
}

TEST_CASE("every example and every module of the tests is clean") {
  int files = 0;
  for (const char* folder : {"tests/examples", "tests/e2e/modules", "tests/interop"})
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(TEMPORAL_SOURCE_ROOT) / folder)) {
      const auto extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".hpp") continue;
      ++files;
      for (const auto& finding : findings(text_of(entry.path())))
        FAIL_CHECK(entry.path().string(), ":", finding.line, ": ", finding.sentence);
    }
  CHECK(files >= 30);
}
