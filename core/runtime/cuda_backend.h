// The backend on a GPU. Links in builds without CUDA, and then refuses.
#pragma once

#include <memory>

#include "core/runtime/backend.h"

namespace caldera {

/// Throws Error("engine.no-cuda") where there is no GPU to run on, and Error("engine.memory") when
/// weights and the cache of one conversation do not fit into its memory. The settings were checked.
std::unique_ptr<Backend> openCudaBackend(std::shared_ptr<const Artifact> artifact,
                                         const EngineSettings& settings);

} // namespace caldera
