// Rows of embeddings and heads as a plan's 8 or 4 bits leave them.
#pragma once

#include <torch/types.h>

namespace caldera {

/// x [..., columns] f32, each row rounded to codes of `bits`, 8 or 4, and back; on its device.
torch::Tensor roundedRows(const torch::Tensor& x, int bits);

} // namespace caldera
