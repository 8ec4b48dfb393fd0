#include "core/runtime/engine.h"

#include <utility>

#include "core/runtime/backend.h"
#include "core/runtime/scheduler.h"

namespace caldera {

std::unique_ptr<Engine> Engine::open(std::shared_ptr<const Artifact> artifact,
                                     const EngineSettings& settings) {
    return std::make_unique<Scheduler>(openBackend(std::move(artifact), settings));
}

} // namespace caldera
