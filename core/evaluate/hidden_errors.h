// How far the states of two models part, block by block.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <ATen/ATen.h>

namespace caldera {

/// How far hidden states are from the reference's after each block.
class HiddenErrors {
public:
    /// Adds the first `count` tokens of both. A token counts by its relative distance, so that the
    /// few with huge states do not hide all others.
    void add(int layer, const torch::Tensor& subject, const torch::Tensor& reference,
             int64_t count) {
        const auto states = [count](const torch::Tensor& hidden) {
            return hidden.reshape({-1, hidden.size(-1)}).narrow(0, 0, count); // [tokens, hidden]
        };
        const torch::Tensor there = states(reference);
        const torch::Tensor distance = (states(subject).to(there.device()) - there).norm(2, 1);
        const torch::Tensor relative = distance / there.norm(2, 1).clamp_min(1e-30F);
        sums_.resize(std::max(sums_.size(), static_cast<size_t>(layer) + 1));
        sums_[static_cast<size_t>(layer)] += relative.sum(at::kDouble).item<double>();
    }

    std::vector<double> means(int64_t tokens) && {
        for (double& sum : sums_) {
            sum /= static_cast<double>(tokens);
        }
        return std::move(sums_);
    }

private:
    std::vector<double> sums_;
};

} // namespace caldera
