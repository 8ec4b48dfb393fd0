#include "core/runtime/backend.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/base/error.h"
#include "core/codec/codec_tables.h"
#include "core/runtime/cpu_backend.h"
#include "core/runtime/cuda_backend.h"
#include "kernels/common/device.h"

namespace caldera {

namespace {

void checkContext(const Artifact& artifact, int context) {
    const int longest = artifact.config().maxPositions;
    if (context < 1 || context > longest) {
        throw Error("engine.context",
                    "A context of " + std::to_string(context) + " tokens was asked for; " +
                        artifact.name() + " takes 1 to " + std::to_string(longest) + ".",
                    {{"context", std::to_string(context)}, {"longest", std::to_string(longest)}});
    }
}

void require(bool suits, const std::string& name, int value, const std::string& needed) {
    if (!suits) {
        throw Error("engine.settings",
                    "The engine was asked for " + std::to_string(value) + ' ' + name + "; " +
                        needed + " was needed.",
                    {{"name", name}, {"value", std::to_string(value)}, {"needed", needed}});
    }
}

} // namespace

void requireSettings(const Artifact& artifact, const EngineSettings& settings) {
    checkContext(artifact, settings.contextLength);
    require(settings.chats >= 1 && settings.chats <= kMostChats, "chats at once", settings.chats,
            "1 to " + std::to_string(kMostChats));
    require(settings.threads >= 0, "threads", settings.threads, "0 (all cores) or more");
    require(settings.cacheBits == 16 || settings.cacheBits == 8, "bits for keys and values",
            settings.cacheBits, "16 or 8");
    require(settings.activationBits == 0 || settings.activationBits == 8 ||
                settings.activationBits == 16,
            "bits for activations", settings.activationBits, "16, 8 or 0 (the device's best)");
    checkCodecTables(artifact.codecTables(), artifact.name());
}

int choosableTokens(const Artifact& artifact) {
    return std::min(artifact.config().vocabSize, static_cast<int>(artifact.tokenizer()->size()));
}

bool runsOnGpu(const EngineSettings& settings) {
    using Device = EngineSettings::Device;
    return settings.device == Device::Cuda ||
           (settings.device == Device::Auto && kernels::cudaDeviceAvailable());
}

void Backend::swapCells(std::span<const CellSwap>) {
    throw Error("engine.swap", "Cells can be swapped only where a processor computes. Start the "
                               "server with --device cpu.");
}

void appendInBatches(Backend& backend, int slot, std::span<const Token> tokens,
                     const std::stop_token& cancel) {
    while (!tokens.empty()) {
        const auto batch =
            tokens.first(std::min(tokens.size(), static_cast<size_t>(backend.promptBatch())));
        tokens = tokens.subspan(batch.size());
        backend.append(slot, batch, tokens.empty(), cancel);
    }
}

std::unique_ptr<Backend> openBackend(std::shared_ptr<const Artifact> artifact,
                                     const EngineSettings& settings) {
    requireSettings(*artifact, settings);
    return runsOnGpu(settings) ? openCudaBackend(std::move(artifact), settings)
                               : openCpuBackend(std::move(artifact), settings);
}

} // namespace caldera
