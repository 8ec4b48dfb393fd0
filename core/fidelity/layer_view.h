// What the metrics see of a layer while a measurement passes through the model.
#pragma once

#include <torch/types.h>

#include "core/forward/transformer.h"

namespace caldera {

struct LayerView {
    int layer = 0;
    const BlockWeights& weights;
    /// The same with compression's errors in every module, norms and biases as they are.
    const BlockWeights& disturbed;
    const torch::Tensor& input; ///< the held-out text's states before the layer [n, t, hidden]

    /// The weights with the errors of one module alone.
    BlockWeights disturbedIn(Module module) const {
        BlockWeights block = weights;
        block.weight[static_cast<size_t>(module)] = disturbed.weight[static_cast<size_t>(module)];
        return block;
    }
};

} // namespace caldera
