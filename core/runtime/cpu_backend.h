// The backend on the CPU.
#pragma once

#include <memory>

#include "core/runtime/backend.h"

namespace caldera {

/// Every sequence has room for a whole context; memory is taken as tokens come. The pool is what
/// the machine's memory holds beside the artifact, at most a context for every sequence. Throws
/// Error("engine.memory") when it does not hold one context, and Error("engine.codec"). The
/// settings were checked.
std::unique_ptr<Backend> openCpuBackend(std::shared_ptr<const Artifact> artifact,
                                        const EngineSettings& settings);

} // namespace caldera
