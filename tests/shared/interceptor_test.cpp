// SPDX-License-Identifier: MIT
#include "temporal/interceptor.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>
#include <string>
#include <vector>

#include "shared/decoded_once.hpp"
#include "temporal/module.hpp"

namespace asio = boost::asio;
using namespace temporal;

namespace {

std::string* story = nullptr;

// Of a test: nothing is asked of it.
struct NoBackend final : activity::detail::ContextBackend {
  const activity::Info& info() const override { return info_; }
  void heartbeat(std::string_view, std::string_view) override {}
  void progress() noexcept override {}
  const Payloads& last_heartbeat() const override { return none_; }
  std::optional<CancelReason> cancel_reason() const noexcept override { return {}; }
  std::stop_token stop_token() override { return {}; }
  bool wait_cancelled(Duration) override { return false; }
  bool worker_shutdown() const noexcept override { return false; }
  bool wait_worker_shutdown(Duration) override { return false; }
  asio::awaitable<bool> async_wait_worker_shutdown(Duration) override { co_return false; }
  Logger& log() override { std::abort(); }
  Metrics& metrics() override { std::abort(); }

  activity::Info info_;
  Payloads none_;
};

class Teller final : public activity::Interceptor {
 public:
  explicit Teller(std::string name) : name_(std::move(name)) {}
  Payload execute(activity::Context&, Payloads arguments, const Next& next) override {
    *story += "<" + name_;
    auto result = next(std::move(arguments));
    *story += name_ + ">";
    return result;
  }
  asio::awaitable<Payload> execute(activity::Context&, Payloads arguments,
                                   const NextOnLoop& next) override {
    *story += "<" + name_;
    arguments.at(0) = to_payload(from_payload<int>(arguments.at(0)) + 1);
    auto result = co_await next(std::move(arguments));
    *story += name_ + ">";
    co_return result;
  }

 private:
  std::string name_;
};

}  // namespace

int twice(int number) {
  *story += "!";
  return 2 * number;
}
int size_of(BytesView bytes) { return static_cast<int>(bytes.size()); }
asio::awaitable<int> twice_later(int number) { co_return twice(number); }

TEST_CASE(
    "E018 interceptors are around an activity in the order they were added, whenever that was") {
  std::string told;
  story = &told;
  Module module;
  module.activity<twice>();
  module.intercept(std::make_shared<Teller>("a"));
  module.intercept(std::make_shared<Teller>("b"));
  NoBackend backend;
  activity::Context context(backend);
  CHECK(from_payload<int>(module.find_activity("twice")->call(context, {to_payload(21)})) == 42);
  CHECK(told == "<a<b!b>a>");
}

TEST_CASE("E018 they are around a coroutine too, and may change what it gets") {
  std::string told;
  story = &told;
  Module module;
  module.intercept(std::make_shared<Teller>("a"));
  module.intercept(std::make_shared<Teller>("b"));
  module.activity<twice_later>();
  NoBackend backend;
  activity::Context context(backend);
  asio::io_context io;
  auto result = asio::co_spawn(
      io, module.find_activity("twice_later")->call_on_loop(context, {to_payload(19)}),
      asio::use_future);
  io.run();
  CHECK(from_payload<int>(result.get()) == 42);
  CHECK(told == "<a<b!b>a>");
}

TEST_CASE("E018 they are given arguments whole that the activity itself would only view") {
  std::string told;
  story = &told;
  Module module;
  module.activity<size_of>();
  module.intercept(std::make_shared<Teller>("a"));
  NoBackend backend;
  activity::Context context(backend);
  const std::string segment(40'000, 's');
  const std::vector<BytesView> elsewhere{std::as_bytes(std::span(segment))};
  Payloads arguments{to_payload(Bytes())};
  const detail::DecodedOnce once(arguments, elsewhere);
  const auto& call = module.find_activity("size_of")->call;
  CHECK(call.viewing == 1);
  CHECK(from_payload<int>(call(context, arguments)) == 40'000);
  CHECK(told == "<aa>");
}

TEST_CASE("E018 those of one module are not around another's activities") {
  std::string told;
  story = &told;
  Module module;
  module.set_origin("first");
  module.intercept(std::make_shared<Teller>("a"));
  module.set_origin("second");
  module.activity<twice>();
  NoBackend backend;
  activity::Context context(backend);
  CHECK(from_payload<int>(module.find_activity("twice")->call(context, {to_payload(1)})) == 2);
  CHECK(told == "!");
}
