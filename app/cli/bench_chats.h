// caldera bench chats
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "app/cli/bench_compress.h"

namespace caldera::cli {

/// Adds the subcommand; when it was chosen, `choose` gets what runs it.
void addChatsBench(CLI::App& bench, const std::function<void(BenchRun)>& choose);

} // namespace caldera::cli
