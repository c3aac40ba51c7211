// SPDX-License-Identifier: MIT
// What activities of the module `cases` wait with, and those among them that wait.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>

namespace asio = boost::asio;
namespace activity = temporal::activity;
namespace fs = std::filesystem;

asio::awaitable<void> rest(std::chrono::milliseconds how_long);
/// Whoever finds it finds it whole.
void leave_file(const fs::path& file, const std::string& content);

void register_waits(temporal::Module& m);
