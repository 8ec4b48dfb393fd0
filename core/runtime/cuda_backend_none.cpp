#include "core/base/error.h"
#include "core/runtime/cuda_backend.h"
#include "kernels/common/device.h"

namespace caldera {

// NOLINTNEXTLINE(performance-unnecessary-value-param): the real one keeps the artifact
std::unique_ptr<Backend> openCudaBackend(std::shared_ptr<const Artifact> /*artifact*/,
                                         const EngineSettings& /*settings*/) {
    const std::string reason = kernels::cudaDevice().reason;
    throw Error("engine.no-cuda",
                reason + " The engine was asked to run on a GPU; --device cpu runs it here.",
                {{"reason", reason}});
}

} // namespace caldera
