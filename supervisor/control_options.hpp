// SPDX-License-Identifier: MIT
// The verbs that talk to a worker which runs, as subcommands of temporal-supervisor.
#pragma once

#include <CLI/CLI.hpp>

#include "supervisor/options.hpp"

namespace temporal::supervisor {

/// `options` must outlive `app`.
void add_control_verbs(CLI::App& app, Options& options);

/// What is wrong with a word that is no flag and no verb, as a sentence.
[[nodiscard]] std::string unknown_verb(const CLI::App& app, const std::string& word);

}  // namespace temporal::supervisor
