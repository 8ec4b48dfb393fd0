// The parts of a decoder block, for the passes of this folder.
#pragma once

#include <ATen/ATen.h>

#include "core/forward/attention.h"
#include "core/forward/transformer.h"

namespace caldera {

/// One block's parts on sequences [n, t, hidden]; norms and the residual stream are f32, products
/// of the weights' type.
class BlockPass {
public:
    /// All of them outlive the pass.
    BlockPass(const ModelConfig& config, const BlockWeights& weights, const InputObserver& observe)
        : config_(config), weights_(weights), observe_(observe) {}

    /// Rotated queries and keys, and values: [n, t, heads, headSize].
    struct Heads {
        torch::Tensor query, key, value;
    };
    Heads heads(const torch::Tensor& hidden, const RotaryTable& positions) const {
        const torch::Tensor x = normed(hidden, weights_.inputNorm);
        seen(InputGroup::Qkv, x);
        const auto headsOf = [&](Module module) {
            return apply(module, x).view({x.size(0), x.size(1), -1, config_.headSize});
        };
        return {rotate(headsOf(Module::QProj), positions),
                rotate(headsOf(Module::KProj), positions), headsOf(Module::VProj)};
    }

    /// The residual stream after attention, from what the heads mixed [n, t, heads, headSize].
    torch::Tensor attended(const torch::Tensor& hidden, const torch::Tensor& mixed) const {
        const torch::Tensor flat = mixed.reshape({hidden.size(0), hidden.size(1), -1});
        seen(InputGroup::O, flat);
        return hidden + apply(Module::OProj, flat);
    }

    /// The block's output from the residual stream after attention.
    torch::Tensor fed(const torch::Tensor& attended) const {
        const torch::Tensor x = normed(attended, weights_.postAttentionNorm);
        seen(InputGroup::GateUp, x);
        torch::Tensor gated = apply(Module::GateProj, x); // [n, t, intermediate]
        at::silu_(gated);
        gated.mul_(apply(Module::UpProj, x));
        seen(InputGroup::Down, gated);
        return attended + apply(Module::DownProj, gated);
    }

private:
    /// Tells the observer about the input of a group.
    void seen(InputGroup group, const torch::Tensor& x) const {
        if (observe_) {
            observe_(group, x.reshape({-1, x.size(-1)}));
        }
    }

    torch::Tensor normed(const torch::Tensor& hidden, const torch::Tensor& weight) const {
        return rmsNorm(hidden, weight, config_.rmsNormEpsilon)
            .to(weights_.weight.front().scalar_type());
    }

    torch::Tensor apply(Module module, const torch::Tensor& x) const {
        const auto index = static_cast<size_t>(module);
        return at::linear(x, weights_.weight[index], weights_.bias[index]);
    }

    const ModelConfig& config_;
    const BlockWeights& weights_;
    const InputObserver& observe_;
};

} // namespace caldera
