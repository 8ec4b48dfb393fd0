// How far the states of two models part, block by block.
#pragma once

#include <cstdint>

#include <ATen/ATen.h>

namespace caldera {

/// How far hidden states are from the reference's after each block.
class HiddenErrors {
public:
    explicit HiddenErrors(int layers) : sums_(at::zeros({layers}, at::kDouble)) {}

    /// Adds the first `count` tokens of both. A token counts by its relative distance, so that the
    /// few with huge states do not hide all others.
    void add(int layer, const torch::Tensor& subject, const torch::Tensor& reference,
             int64_t count) const {
        const auto states = [count](const torch::Tensor& hidden) {
            return hidden.reshape({-1, hidden.size(-1)}).narrow(0, 0, count); // [tokens, hidden]
        };
        const torch::Tensor there = states(reference);
        const torch::Tensor distance = (states(subject).to(there.device()) - there).norm(2, 1);
        const torch::Tensor relative = distance / there.norm(2, 1).clamp_min(1e-30F);
        sums_[layer] += relative.sum(at::kDouble).cpu();
    }

    /// Over the tokens that were added, [layers] f64 on the CPU.
    const torch::Tensor& sums() const { return sums_; }

private:
    torch::Tensor sums_;
};

} // namespace caldera
