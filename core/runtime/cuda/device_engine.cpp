#include "core/runtime/cuda/device_engine.h"

#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "core/base/pause.h"
#include "core/plan/gpu_workspace.h"
#include "core/runtime/backend.h"
#include "kernels/prompt/attention.h"
#include "kernels/prompt/linear_products.h"
#include "kernels/prompt/matrix_products.h"

namespace caldera {

namespace {

static_assert(kGpuStepSequences == kernels::kStepSequences);
static_assert(kGpuStepBlock == kernels::kQuantizedBlock);
static_assert(kGpuSplitBlocks == kernels::cuda::kLeastSplitBlocks);
static_assert(kGpuAttentionParts == kernels::kAttentionParts);
static_assert(kGpuPromptSliceRows == kernels::cuda::kPromptSliceRows);
static_assert(kGpuPromptTileBytes == kernels::cuda::kPromptTileBytes);
static_assert(kGpuPromptScoreBytes == kernels::cuda::kPromptScoreBytes);
static_assert(kGpuCublasBytes == kernels::cuda::kCublasBytes);
static_assert(kGpuPhaseBytes >= sizeof(kernels::StepPhase));

/// So few tokens of a prompt are faster by steps than at once, where a step takes one of them and
/// where it takes several: both were measured (docs/experiments/decode-kernel.md).
constexpr size_t kFewTokens = 12;
constexpr size_t kFewFollowing = 64;

int pagesFor(int64_t tokens) {
    return static_cast<int>(usedTokens(tokens) / kPageTokens);
}

} // namespace

DeviceEngine::DeviceEngine(DeviceModel model, const DeviceEngineShape& shape)
    : model_(std::move(model)), cache_(model_.config, pagesFor(shape.poolTokens), shape.cacheBits),
      table_(shape.slots, pagesFor(shape.contextLength), pagesFor(shape.poolTokens)),
      deviceTable_(std::span<const int32_t>(table_.entries())),
      angles_(RotaryEmbedding(model_.config, shape.contextLength)),
      one_(model_, context(), 1, shape.activationBits),
      prompt_(model_, context(), std::min(kGpuPromptTokens, shape.contextLength)) {
    const int width = gpuStepWidth(shape.slots, shape.activationBits);
    if (width > 1) {
        several_.emplace(model_, context(), width, shape.activationBits);
    }
}

StepContext DeviceEngine::context() const {
    return {cache_, deviceTable_.data(), table_.width(), angles_.cosines.data(),
            angles_.sines.data()};
}

float* DeviceEngine::step(const kernels::StepState& state, bool wantsLogits) {
    ModelStep& step = stepFor(state.count);
    step.run(state, wantsLogits);
    return step.logits();
}

float* DeviceEngine::append(std::span<const Token> tokens, int before, int slot, bool wantsLogits,
                            const std::stop_token& cancel) {
    if (tokens.size() <= (followingTokens() > 1 ? kFewFollowing : kFewTokens)) {
        return appendInSteps(tokens, before, slot, wantsLogits, cancel);
    }
    prompt_.run(tokens, before, slot, wantsLogits, cancel);
    return prompt_.logits();
}

float* DeviceEngine::appendInSteps(std::span<const Token> tokens, int before, int slot,
                                   bool wantsLogits, const std::stop_token& cancel) {
    const auto most = static_cast<size_t>(followingTokens());
    for (size_t first = 0;; first += most) {
        checkCancelled(cancel);
        kernels::StepState state;
        for (const Token token : tokens.subspan(first, std::min(most, tokens.size() - first))) {
            const int i = state.count++;
            state.token[i] = token;
            state.position[i] = before + static_cast<int>(first) + i;
            state.slot[i] = slot;
        }
        const bool isLast = first + most >= tokens.size();
        float* logits = step(state, wantsLogits && isLast);
        if (isLast) {
            return logits + int64_t{state.count - 1} * model_.config.vocabSize;
        }
    }
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
