// SPDX-License-Identifier: MIT
#include "supervisor/control/verbs.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <string>

#include "tests/supervisor/rpc/run.hpp"

using namespace temporal::supervisor::control;
using temporal::LogLevel;
using temporal::test::run;
namespace asio = boost::asio;

namespace {

Json said(const std::string& text) {
  Json answer = Json::object();
  answer["said"] = text;
  return answer;
}

struct FakeWorker final : Controlled {
  Json view(bool with_metrics) override { return said(with_metrics ? "top" : "ps"); }
  Json kill(const std::string& task) override {
    if (task == "gone") throw Refused("no task 'gone' runs here");
    return said("kill " + task);
  }
  Json drain() override { return said("drain"); }
  Json pause() override { return said("pause"); }
  Json resume() override { return said("resume"); }
  Json set(const SettingRange& setting, int value, const std::string& task_queue) override {
    return said(std::string(setting.name) + " " + std::to_string(value) + " of " + task_queue);
  }
  Json set_log_level(LogLevel lowest) override { return said(std::string(to_string(lowest))); }
  asio::awaitable<Json> stack(pid_t pid) override {
    co_return said("stack " + std::to_string(pid));
  }
  asio::awaitable<Json> reload_children() override { co_return said("reload"); }
};

std::string told(const std::string& request) {
  FakeWorker worker;
  asio::io_context loop;
  const auto reply = run(loop, answer(worker, Json::parse(request)));
  return reply.contains("error") ? "error: " + reply["error"].get<std::string>()
                                 : reply["said"].get<std::string>();
}

bool refused(const std::string& request, std::string_view part) {
  const auto reply = told(request);
  CAPTURE(reply);
  return reply.starts_with("error: ") && reply.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("LC10 each verb reaches the worker") {
  for (const std::string verb : {"ps", "top", "drain", "pause", "resume", "reload"})
    CHECK(told(R"({"verb":")" + verb + "\"}") == verb);
  CHECK(told(R"({"verb":"kill","task":"w/1"})") == "kill w/1");
  CHECK(told(R"({"verb":"set","name":"children","value":"8","task_queue":"q"})") ==
        "children 8 of q");
  for (const auto& setting : kSettings)
    CHECK(told(R"({"verb":"set","name":")" + std::string(setting.name) + R"(","value":"7"})") ==
          std::string(setting.name) + " 7 of ");
  CHECK(told(R"({"verb":"set","name":"log-level","value":"debug"})") == "debug");
  CHECK(told(R"({"verb":"stack","pid":7})") == "stack 7");
}

TEST_CASE("LC10 what is no verb is answered with those there are") {
  for (const char* request : {R"({"verb":"reboot"})", "{}", R"({"verb":3})"})
    for (const auto verb : verbs()) CHECK(refused(request, verb));
}

TEST_CASE("LC10 what cannot be is refused with what to write instead") {
  CHECK(refused(R"({"verb":"kill"})", "which task?"));
  CHECK(refused(R"({"verb":"kill","task":7})", "which task?"));
  CHECK(refused(R"({"verb":"kill","task":"gone"})", "no task 'gone' runs here"));
  CHECK(refused(R"({"verb":"stack"})", "whose stack?"));
  CHECK(refused(R"({"verb":"stack","pid":"x"})", "whose stack?"));
  for (const std::string count : {"0", "-1", "1025", "many", "1.5", "", "99999999999"})
    CHECK(
        refused(R"({"verb":"set","name":"children","value":")" + count + "\"}", "write 1 to 1024"));
  CHECK(
      refused(R"({"verb":"set","name":"log-level","value":"loud"})", "debug, info, warn or error"));
  for (const auto& setting : kSettings)
    CHECK(refused(R"({"verb":"set","name":"speed","value":"1"})", setting.name));
  CHECK(refused(R"({"verb":"set"})", "log-level"));
}
