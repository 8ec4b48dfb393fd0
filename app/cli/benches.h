// The subcommands of caldera bench, each in a file of its own.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "app/cli/command.h"

namespace caldera::cli {

using BenchRun = std::function<void(const Invocation&)>;

// Each adds its subcommand; when it was chosen, `choose` gets what runs it.
void addCodecBench(CLI::App& bench, const std::function<void(BenchRun)>& choose);
void addGemvBench(CLI::App& bench, const std::function<void(BenchRun)>& choose);
void addCompressBench(CLI::App& bench, const std::function<void(BenchRun)>& choose);
void addDecodeBench(CLI::App& bench, const std::function<void(BenchRun)>& choose);
void addChatsBench(CLI::App& bench, const std::function<void(BenchRun)>& choose);

} // namespace caldera::cli
