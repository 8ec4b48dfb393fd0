// What of a GPU's memory is left for keys and values. No CUDA.
#pragma once

#include <cstdint>

#include "core/artifact/artifact.h"
#include "core/runtime/engine_settings.h"

namespace caldera {

/// Bits of the inputs of a GPU's products: 8 where the settings leave the choice.
inline int gpuActivationBits(const EngineSettings& settings) {
    return settings.activationBits > 0 ? settings.activationBits : 8;
}

/// Tokens that a GPU with so many free bytes holds beside an artifact, in whole pages: at most a
/// context for every chat. Throws Error("engine.memory") when not even one context has room; it
/// says what is needed and what would fit.
int64_t gpuPoolTokens(const Artifact& artifact, const EngineSettings& settings, int64_t freeBytes);

} // namespace caldera
