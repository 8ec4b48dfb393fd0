#include "core/forward/transformer.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/forward/attention.h"
#include "core/forward/block_pass.h"
#include "core/linalg/device.h"

namespace caldera {

namespace {

constexpr int64_t kSliceTokens = 4096;

/// One slice of sequences through one block.
torch::Tensor passBlock(const BlockPass& pass, const torch::Tensor& hidden,
                        const RotaryTable& positions) {
    torch::Tensor mixed; // [n, t, heads, headSize]
    {
        const BlockPass::Heads heads = pass.heads(hidden, positions);
        mixed = causalAttention(heads.query, heads.key, heads.value);
    }
    return pass.fed(pass.attended(hidden, mixed));
}

} // namespace

torch::Tensor rmsNorm(const torch::Tensor& x, const torch::Tensor& weight, double epsilon) {
    const torch::Tensor meanSquare = x.square().mean(-1, true);
    return x * at::rsqrt(meanSquare + epsilon) * weight;
}

int64_t sequencesPerSlice(int64_t length) {
    return std::max<int64_t>(1, kSliceTokens / std::max<int64_t>(1, length));
}

void applyBlock(const ModelConfig& config, const BlockWeights& weights, torch::Tensor& hidden,
                const InputObserver& observe) {
    const at::NoGradGuard noGradients;
    const torch::Device device = weights.inputNorm.device();
    const RotaryTable positions = rotaryTable(config, hidden.size(1), device);
    const BlockPass pass(config, weights, observe);
    const int64_t step = sequencesPerSlice(hidden.size(1));
    for (int64_t first = 0; first < hidden.size(0); first += step) {
        torch::Tensor slice = hidden.narrow(0, first, std::min(step, hidden.size(0) - first));
        // Copies from and to pinned memory run beside the work on the slice before.
        slice.copy_(passBlock(pass, slice.to(device, /*non_blocking=*/true), positions),
                    /*non_blocking=*/true);
    }
    finishWork(device); // the copies have arrived
}

torch::Tensor blockForward(const ModelConfig& config, const BlockWeights& weights,
                           const torch::Tensor& hidden, const InputObserver& observe) {
    torch::Tensor out = hidden.clone();
    applyBlock(config, weights, out, observe);
    return out;
}

torch::Tensor logitsOf(const ModelConfig& config, const torch::Tensor& finalNorm,
                       const torch::Tensor& head, const torch::Tensor& hidden) {
    const at::NoGradGuard noGradients;
    return at::linear(rmsNorm(hidden, finalNorm, config.rmsNormEpsilon), head);
}

torch::Tensor logitsOf(const TransformerWeights& weights, const torch::Tensor& hidden) {
    return logitsOf(weights.config(), weights.finalNorm(), weights.head(), hidden);
}

torch::Tensor forwardHidden(const TransformerWeights& weights, const torch::Tensor& tokens) {
    torch::Tensor hidden = weights.embed(tokens);
    for (int layer = 0; layer < weights.config().layerCount; ++layer) {
        applyBlock(weights.config(), weights.block(layer), hidden);
    }
    return hidden;
}

} // namespace caldera
