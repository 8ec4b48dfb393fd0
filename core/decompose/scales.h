// Scales of codes, which are stored in fp16.
#pragma once

#include <torch/types.h>

namespace caldera {

/// To the nearest fp16 and back.
torch::Tensor roundToHalf(const torch::Tensor& x);
/// 1 / scale, and 0 where the scale is 0: what it scales is all zero.
torch::Tensor inverseScale(const torch::Tensor& scale);
/// x / scale, and 0 where the scale is 0.
torch::Tensor divideByScale(const torch::Tensor& x, const torch::Tensor& scale);
/// Scales [1, rank] after which the columns of x [rows, rank] have the RMS `inputRms`. Throws
/// Error("decompose.range") when one does not fit fp16.
torch::Tensor columnScale(const torch::Tensor& x, double inputRms);

} // namespace caldera
