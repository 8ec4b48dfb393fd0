// The backend on the CPU.
#pragma once

#include <cstdint>
#include <memory>

#include "core/runtime/backend.h"

namespace caldera {

/// The pool of a machine with so many bytes of memory: whole pages of what it holds beside the
/// artifact, at most a context for every chat. Throws Error("engine.memory") when it does not hold
/// one context.
int64_t cpuPoolTokens(const Artifact& artifact, const EngineSettings& settings, int64_t memory);

/// Every sequence has room for a whole context; memory is taken as tokens come, and given back as
/// they are forgotten. Throws what cpuPoolTokens() throws, and Error("engine.codec"). The settings
/// were checked.
std::unique_ptr<Backend> openCpuBackend(std::shared_ptr<const Artifact> artifact,
                                        const EngineSettings& settings);

} // namespace caldera
