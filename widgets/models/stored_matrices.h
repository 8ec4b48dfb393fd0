// The matrices of a compressed model as its plan determines them.
#pragma once

#include <vector>

#include "core/model/config.h"
#include "core/model/weight_source.h"
#include "core/plan/plan.h"

namespace caldera::studio {

/// Embeddings, every cell in order of layer and module, and a head of its own; exact bytes, cells
/// without the input signs that they share. The type says codec and rank: "e8p-2, rank 16".
std::vector<TensorInfo> storedMatrices(const Plan& plan, const ModelConfig& config);

} // namespace caldera::studio
