// caldera bench compress
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "app/cli/command.h"

namespace caldera::cli {

using BenchRun = std::function<void(const Invocation&)>;

/// Adds the subcommand; when it was chosen, `choose` gets what runs it.
void addCompressBench(CLI::App& bench, const std::function<void(BenchRun)>& choose);

} // namespace caldera::cli
