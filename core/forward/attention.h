// Rotary positions and causal grouped-query attention in slices of queries.
#pragma once

#include <cstdint>

#include <torch/types.h>

#include "core/model/config.h"

namespace caldera {

/// cos and sin of every position's angles, each [t, headSize / 2] f32.
struct RotaryTable {
    torch::Tensor cosine, sine;
};
RotaryTable rotaryTable(const ModelConfig& config, int64_t length, const torch::Device& device);

/// Rotates x [n, t, heads, headSize]: feature i of the first half pairs with i of the second.
torch::Tensor rotate(const torch::Tensor& x, const RotaryTable& table);

/// query [n, t, heads, d], key and value [n, t, kvHeads, d] -> [n, t, heads, d]. Each query sees
/// its own and earlier positions. Queries pass in slices so that at most `scoreElements` scores
/// exist (but at least one query's); 0 chooses what the device is quick with.
torch::Tensor causalAttention(const torch::Tensor& query, const torch::Tensor& key,
                              const torch::Tensor& value, int64_t scoreElements = 0);

} // namespace caldera
