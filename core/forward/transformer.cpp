#include "core/forward/transformer.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/forward/attention.h"
#include "core/linalg/device.h"

namespace caldera {

namespace {

constexpr int64_t kSliceTokens = 4096;

torch::Tensor rmsNorm(const torch::Tensor& x, const torch::Tensor& weight, double epsilon) {
    const torch::Tensor meanSquare = x.square().mean(-1, true);
    return x * at::rsqrt(meanSquare + epsilon) * weight;
}

/// One slice of sequences through one block.
class BlockPass {
public:
    BlockPass(const ModelConfig& config, const BlockWeights& weights, const InputObserver& observe)
        : config_(config), weights_(weights), observe_(observe) {}

    torch::Tensor run(const torch::Tensor& hidden, const RotaryTable& positions) const {
        const torch::Tensor attended = hidden + attention(hidden, positions);
        return attended + feedForward(attended);
    }

private:
    /// Tells the observer about the input of a group.
    void seen(InputGroup group, const torch::Tensor& x) const {
        if (observe_) {
            observe_(group, x.reshape({-1, x.size(-1)}));
        }
    }

    /// Norms and the residual stream are f32; products are of the weights' type.
    torch::Tensor normed(const torch::Tensor& hidden, const torch::Tensor& weight) const {
        return rmsNorm(hidden, weight, config_.rmsNormEpsilon)
            .to(weights_.weight.front().scalar_type());
    }

    torch::Tensor apply(Module module, const torch::Tensor& x) const {
        const auto index = static_cast<size_t>(module);
        return at::linear(x, weights_.weight[index], weights_.bias[index]);
    }

    torch::Tensor attention(const torch::Tensor& hidden, const RotaryTable& positions) const {
        const int64_t n = hidden.size(0);
        const int64_t length = hidden.size(1);
        const torch::Tensor x = normed(hidden, weights_.inputNorm);
        seen(InputGroup::Qkv, x);
        const auto headsOf = [&](Module module) {
            return apply(module, x).view({n, length, -1, config_.headSize});
        };
        const torch::Tensor mixed =
            causalAttention(rotate(headsOf(Module::QProj), positions),
                            rotate(headsOf(Module::KProj), positions), headsOf(Module::VProj))
                .view({n, length, -1}); // [n, t, heads * headSize]
        seen(InputGroup::O, mixed);
        return apply(Module::OProj, mixed);
    }

    torch::Tensor feedForward(const torch::Tensor& hidden) const {
        const torch::Tensor x = normed(hidden, weights_.postAttentionNorm);
        seen(InputGroup::GateUp, x);
        torch::Tensor gated = apply(Module::GateProj, x); // [n, t, intermediate]
        at::silu_(gated);
        gated.mul_(apply(Module::UpProj, x));
        seen(InputGroup::Down, gated);
        return apply(Module::DownProj, gated);
    }

    const ModelConfig& config_;
    const BlockWeights& weights_;
    const InputObserver& observe_;
};

} // namespace

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
        slice.copy_(pass.run(slice.to(device, /*non_blocking=*/true), positions),
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
