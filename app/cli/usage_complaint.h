// What is wrong with a command line, in words.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace caldera::cli {

/// A sentence, and where the help of the command stands. May change values that options are bound
/// to, so nothing runs after it.
std::string usageComplaint(CLI::App& app, const CLI::ParseError& error,
                           const std::vector<std::string>& words);

} // namespace caldera::cli
