// Embeddings of tokens without the whole table in memory.
#pragma once

#include <functional>
#include <span>

#include <torch/types.h>

#include "core/model/config.h"

namespace caldera {

/// Reads one row of the embedding table; called from several threads.
using RowReader = std::function<void(int64_t token, std::span<float> out)>;

/// tokens [n, t] int64 -> [n, t, hidden] f32 on the CPU; each distinct token is read once. Throws
/// Error("forward.token") for an id outside the table.
torch::Tensor embedRows(const torch::Tensor& tokens, const ModelConfig& config,
                        const RowReader& read);

} // namespace caldera
