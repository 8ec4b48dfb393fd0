#include "core/fidelity/layer_states.h"

#include <vector>

#include <ATen/ATen.h>

namespace caldera {

void LayerStates::add(Part part, const torch::Tensor& tokens) {
    tokens_[index(part)] = tokens;
}

int64_t LayerStates::tokenCount() const {
    int64_t count = 0;
    for (const torch::Tensor& tokens : tokens_) {
        count += tokens.defined() ? tokens.numel() : 0;
    }
    return count;
}

void LayerStates::hold(const torch::Tensor& all, bool pinned) {
    all_ = pinned ? all.pin_memory() : all;
}

void LayerStates::embed(const TransformerWeights& weights, bool pinned) {
    std::vector<torch::Tensor> flat;
    for (const torch::Tensor& tokens : tokens_) {
        if (tokens.defined()) {
            flat.push_back(tokens.flatten());
        }
    }
    hold(weights.embed(at::cat(flat).unsqueeze(0)).cpu(), pinned);
    layer = 0;
}

bool LayerStates::take(const HiddenStore::State& state, bool pinned) {
    if (state.hidden.size(0) != 1 || state.hidden.size(1) != tokenCount()) {
        return false;
    }
    hold(state.hidden, pinned);
    layer = state.layer;
    return true;
}

torch::Tensor LayerStates::states(Part part) const {
    int64_t first = 0;
    for (size_t i = 0; i < index(part); ++i) {
        first += tokens_[i].defined() ? tokens_[i].numel() : 0;
    }
    const torch::Tensor& tokens = tokens_[index(part)];
    return all_.narrow(1, first, tokens.numel())
        .view({tokens.size(0), tokens.size(1), all_.size(2)});
}

} // namespace caldera
