#include "core/runtime/gpu_pool.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/plan/gpu_memory.h"
#include "core/runtime/backend.h"

namespace caldera {

namespace {

static_assert(kPageTokens == kCachePageTokens);

std::string text(int64_t bytes) {
    return memoryText(static_cast<uint64_t>(std::max<int64_t>(bytes, 0)));
}

/// An engine's memory beside keys and values, and how many tokens of those have room.
struct Room {
    int64_t weights = 0;
    int64_t workspace = 0;
    int64_t tokenBytes = 0;
    int64_t tokens = 0; ///< in whole pages

    Room(const Artifact& artifact, const EngineSettings& settings, int64_t freeBytes) {
        GpuLoad load;
        load.contextLength = settings.contextLength;
        load.chats = settings.chats;
        load.activationBits = gpuActivationBits(settings);
        const GpuMemory memory =
            gpuMemory(artifact.plan(), artifact.config(), load, settings.cacheBits);
        weights = memory.weightBytes;
        workspace = memory.workspaceBytes;
        tokenBytes = gpuCacheTokenBytes(artifact.config(), settings.cacheBits);
        const int64_t left = freeBytes - weights - workspace;
        tokens = left > 0 ? left / (tokenBytes * kPageTokens) * kPageTokens : 0;
    }
};

/// Settings with which one context fits, as the command line has them; else what plan would.
std::string whatFits(const Artifact& artifact, const EngineSettings& settings, const Room& room,
                     int64_t freeBytes) {
    std::vector<std::string> ways;
    const auto tryOut = [&](const EngineSettings& changed, const std::string& option) {
        if (Room(artifact, changed, freeBytes).tokens >= usedTokens(settings.contextLength)) {
            ways.push_back(option);
        }
    };
    EngineSettings changed = settings;
    changed.cacheBits = 8;
    tryOut(changed, "--kv-bits 8");
    changed = settings;
    changed.chats = 1;
    tryOut(changed, "--chats 1");
    if (ways.empty()) {
        changed.cacheBits = 8;
        tryOut(changed, "--kv-bits 8 --chats 1");
    }
    if (room.tokens > 0) {
        ways.push_back("--context " + std::to_string(room.tokens));
    }
    if (ways.empty()) {
        const int64_t possible =
            freeBytes - room.workspace - usedTokens(settings.contextLength) * room.tokenBytes;
        return possible > 0 ? "A plan whose weights take at most " + text(possible) +
                                  " would fit (caldera plan)."
                            : "No plan is small enough for so long a context.";
    }
    std::string list = ways.front();
    for (size_t i = 1; i < ways.size(); ++i) {
        list += (i + 1 < ways.size() ? ", " : " or ") + ways[i];
    }
    return "It fits with " + list + ".";
}

} // namespace

int64_t gpuPoolTokens(const Artifact& artifact, const EngineSettings& settings, int64_t freeBytes) {
    const Room room(artifact, settings, freeBytes);
    const int64_t wanted = usedTokens(settings.contextLength);
    if (room.tokens >= wanted) {
        return std::min(room.tokens, wanted * settings.chats);
    }
    const int64_t cache = wanted * room.tokenBytes;
    const int64_t needed = room.weights + room.workspace + cache;
    throw Error("engine.memory",
                artifact.name() + " needs " + text(needed) +
                    " of GPU memory: " + text(room.weights) + " for weights, " + text(cache) +
                    " for a context of " + std::to_string(settings.contextLength) + " tokens and " +
                    text(room.workspace) + " to work with. The GPU has " + text(freeBytes) +
                    " free. " + whatFits(artifact, settings, room, freeBytes),
                {{"needed", std::to_string(needed)}, {"free", std::to_string(freeBytes)}});
}

} // namespace caldera
