// caldera bench codec | gemv | compress | decode | chats
#include <memory>
#include <utility>

#include "app/cli/benches.h"

namespace caldera::cli {

void addBenchCommand(CommandLine& commands) {
    const auto chosen = std::make_shared<BenchRun>();
    CLI::App& bench = commands.add("bench", "Measure codecs and kernels on this machine",
                                   [chosen](Invocation& invocation) { (*chosen)(invocation); });
    bench.require_subcommand(1);
    const auto choose = [chosen](BenchRun run) { *chosen = std::move(run); };
    addCodecBench(bench, choose);
    addGemvBench(bench, choose);
    addCompressBench(bench, choose);
    addDecodeBench(bench, choose);
    addChatsBench(bench, choose);
}

} // namespace caldera::cli
