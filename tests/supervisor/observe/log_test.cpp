// SPDX-License-Identifier: MIT
#include "supervisor/observe/log.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <future>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace temporal;
using temporal::supervisor::Log;
using temporal::supervisor::LogFormat;

namespace {

// What is written to stderr meanwhile, line by line.
std::vector<std::string> written(const std::function<void()>& write) {
  std::FILE* file = std::tmpfile();
  REQUIRE(file);
  std::fflush(stderr);
  const int real = ::dup(STDERR_FILENO);
  ::dup2(::fileno(file), STDERR_FILENO);
  write();
  std::fflush(stderr);
  ::dup2(real, STDERR_FILENO);
  ::close(real);
  std::rewind(file);
  std::string text;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("JSON is one object a line: level, message, time and the fields") {
  const auto lines = written([] {
    Log log(LogFormat::json);
    log.warn("a child died", {{"pid", 42}, {"signal", "SIGKILL"}});
    log.info("{} %s \"quoted\"\nsecond line");
  });
  REQUIRE(lines.size() == 2);
  const auto first = nlohmann::json::parse(lines[0]);
  CHECK(first["level"] == "warn");
  CHECK(first["message"] == "a child died");
  CHECK(first["pid"] == 42);
  CHECK(first["signal"] == "SIGKILL");
  CHECK(first["time_ms"].get<long>() > 1'600'000'000'000);
  CHECK(nlohmann::json::parse(lines[1])["message"] == "{} %s \"quoted\"\nsecond line");
}

TEST_CASE("nobody waits for a reader who does not read: what is lost meanwhile is counted") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const int real = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  {
    Log log(LogFormat::json);
    constexpr int kMoreThanAPipeHolds = 10'000;
    for (int i = 0; i < kMoreThanAPipeHolds; ++i) log.info("unread", {{"number", i}});
    std::string unread(1 << 20, '\0');
    REQUIRE(::read(ends[0], unread.data(), unread.size()) > 0);
    log.info("read again");
  }
  ::dup2(real, STDERR_FILENO);
  ::close(real);
  ::close(ends[1]);
  std::string text(1 << 20, '\0');
  text.resize(static_cast<std::size_t>(::read(ends[0], text.data(), text.size())));
  ::close(ends[0]);
  std::istringstream stream(text);
  std::string lost, again;
  std::getline(stream, lost);
  std::getline(stream, again);
  CHECK(nlohmann::json::parse(lost)["lines"].get<int>() > 100);
  CHECK(nlohmann::json::parse(again)["message"] == "read again");
}

TEST_CASE("a line that is longer than what a pipe still takes is lost, not waited for") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const int real = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  const std::string page(4096, '.');
  const int pages = ::fcntl(ends[1], F_GETPIPE_SZ) / 4096;
  for (int i = 0; i + 1 < pages; ++i) REQUIRE(::write(ends[1], page.data(), page.size()) > 0);
  Log log(LogFormat::json);
  auto written = std::async(std::launch::async, [&] { log.info(std::string(8000, 'x')); });
  const bool waited = written.wait_for(std::chrono::seconds(10)) != std::future_status::ready;
  std::string unread(1 << 20, '\0');
  REQUIRE(::read(ends[0], unread.data(), unread.size()) > 0);
  written.get();
  log.info(std::string(8000, 'x'));
  ::dup2(real, STDERR_FILENO);
  ::close(real);
  ::close(ends[1]);
  CHECK_FALSE(waited);
  unread.resize(static_cast<std::size_t>(::read(ends[0], unread.data(), unread.size())));
  ::close(ends[0]);
  CHECK(unread.find("\"lines\":1") != std::string::npos);
  CHECK(unread.find(std::string(8000, 'x')) != std::string::npos);
}

TEST_CASE("text is for reading: time, level, message, fields") {
  const auto lines = written([] {
    Log log(LogFormat::text);
    log.error("a child died {}", {{"pid", 42}, {"signal", "SIGKILL"}, {"said", "two\nlines"}});
  });
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].ends_with("a child died {}  pid=42  said=\"two\\nlines\"  signal=SIGKILL"));
  CHECK(lines[0].find("error") != std::string::npos);
}

TEST_CASE("automatic is JSON where stderr is no terminal") {
  const auto lines = written([] { Log().info("hello"); });
  REQUIRE(lines.size() == 1);
  CHECK(nlohmann::json::parse(lines[0])["message"] == "hello");
}

TEST_CASE("lines below the lowest level are not written") {
  const auto lines = written([] {
    Log log(LogFormat::json, LogLevel::warn);
    log.debug("d");
    log.info("i");
    log.warn("w");
    log.error("e");
    Log all(LogFormat::json, LogLevel::debug);
    all.debug("d");
  });
  REQUIRE(lines.size() == 3);
  CHECK(nlohmann::json::parse(lines[2])["level"] == "debug");
}

TEST_CASE("a line is never the reason that something fails, whatever it holds") {
  for (auto format : {LogFormat::json, LogFormat::text}) {
    const auto lines = written([&] {
      Log log(format);
      log.info("caf\xe9", {{"name", "\xff\xfe"}, {"list", {"\xff"}}});
      log.info("no fields at all", nullptr);
      log.info("odd fields", LogFields::array({1, 2}));
      log.info("a field that is ours", {{"level", 7}, {"message", 8}, {"time_ms", 9}});
    });
    CHECK(lines.size() == 4);
    if (format == LogFormat::json) {
      for (const auto& line : lines) CHECK(nlohmann::json::accept(line));
      CHECK(nlohmann::json::parse(lines[3])["level"] == "info");
    }
  }
}

TEST_CASE("threads that write at once do not mix their lines") {
  const auto lines = written([] {
    Log log(LogFormat::json);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) log.info("line", {{"text", std::string(100, 'x')}});
      });
    for (auto& thread : threads) thread.join();
  });
  CHECK(lines.size() == 800);
  for (const auto& line : lines) CHECK(nlohmann::json::accept(line));
}
