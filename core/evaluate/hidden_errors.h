// How far the states of two models part, block by block.
#pragma once

#include <cstdint>

#include <ATen/ATen.h>

namespace caldera {

/// How far hidden states are from the reference's after each block.
class HiddenErrors {
public:
    explicit HiddenErrors(int layers) : numbers_(at::zeros({layers + 1}, at::kDouble)) {}

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
        numbers_[layer] += relative.sum(at::kDouble).cpu();
        if (layer == 0) {
            numbers_[-1] += count;
        }
    }

    /// Sums over the tokens that were added, then how many these are; [layers + 1] f64 on the CPU.
    const torch::Tensor& numbers() const { return numbers_; }

private:
    torch::Tensor numbers_;
};

} // namespace caldera
