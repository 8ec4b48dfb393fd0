#include "app/cli/engine_options.h"

#include <algorithm>

#include "app/cli/command.h"

namespace caldera::cli {

void EngineOptions::addTo(CLI::App& command) {
    command.add_option("ARTIFACT", artifact, "Folder of a compressed model")
        ->required()
        ->type_name("FOLDER");
    command
        .add_option("--context", context,
                    "Tokens that a conversation may have (default: what the model takes, at most " +
                        std::to_string(kDefaultContext) + ")")
        ->check(positive());
    command.add_option("--threads", threads, "Threads that compute (default: all cores)")
        ->check(between(1, 1024));
    command.add_flag("--trust", trusted,
                     "Begin without comparing the artifact's checksums, which takes half a minute "
                     "where it is very large");
}

std::unique_ptr<Engine> EngineOptions::open(const std::stop_token& stop) const {
    auto opened = Artifact::open(artifact);
    if (!trusted) {
        opened->verify(stop);
    }
    const int length =
        context > 0 ? context : std::min(opened->config().maxPositions, kDefaultContext);
    return Engine::open(std::move(opened), length, threads);
}

} // namespace caldera::cli
