#include "core/runtime/cuda/device_engine.h"

#include <algorithm>
#include <utility>

#include "core/plan/gpu_workspace.h"
#include "core/runtime/backend.h"

namespace caldera {

namespace {

static_assert(kGpuStepSequences == kernels::kStepSequences);
static_assert(kGpuStepBlock == kernels::kQuantizedBlock);
static_assert(kGpuAttentionParts == kernels::kAttentionParts);
static_assert(kGpuPromptSliceRows == kernels::cuda::kPromptSliceRows);

int pagesFor(int64_t tokens) {
    return static_cast<int>(usedTokens(tokens) / kPageTokens);
}

} // namespace

DeviceEngine::DeviceEngine(DeviceModel model, const DeviceEngineShape& shape)
    : model_(std::move(model)), cache_(model_.config, pagesFor(shape.poolTokens), shape.cacheBits),
      table_(shape.slots, pagesFor(shape.contextLength), pagesFor(shape.poolTokens)),
      deviceTable_(std::span<const int32_t>(table_.entries())),
      angles_(RotaryEmbedding(model_.config, shape.contextLength)),
      step_(model_, context(), std::min(shape.slots, kernels::kStepSequences),
            shape.activationBits),
      prompt_(model_, context(), std::min(kGpuPromptTokens, shape.contextLength)) {}

StepContext DeviceEngine::context() const {
    return {cache_, deviceTable_.data(), table_.width(), angles_.cosines.data(),
            angles_.sines.data()};
}

void DeviceEngine::makeRoom(int slot, int length) {
    if (!table_.grow(slot, length)) {
        return;
    }
    const auto row = static_cast<size_t>(slot) * static_cast<size_t>(table_.width());
    const char* doing = "Writing the page table";
    kernels::cuda::require(cudaMemcpy(deviceTable_.data() + row, table_.row(slot),
                                      static_cast<size_t>(table_.width()) * sizeof(int32_t),
                                      cudaMemcpyHostToDevice),
                           doing);
    // The copy may still be under way, and the streams of steps and prompts do not wait for it.
    kernels::cuda::require(cudaStreamSynchronize(nullptr), doing);
}

} // namespace caldera
