// Refuses an original that is no numbers: where it is none, no metric is one.
#pragma once

#include <torch/types.h>

namespace caldera {

/// states of the original after the layer, of any shape. Throws Error("fidelity.not-finite").
void requireFiniteStates(int layer, const torch::Tensor& states);

/// logits of the original, of any shape. Throws Error("fidelity.not-finite").
void requireFinitePredictions(const torch::Tensor& logits);

} // namespace caldera
