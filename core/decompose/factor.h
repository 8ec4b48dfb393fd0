// One quantized factor (L, or R transposed) and how it is rounded.
#pragma once

#include <torch/types.h>

#include "core/artifact/compressed_cell.h"
#include "core/codec/codec.h"
#include "core/decompose/panel_encoder.h"

namespace caldera {

/// Columns are rank indices; each has its own scale.
struct QuantizedFactor {
    torch::Tensor values; ///< [rows, rank] before scaling
    torch::Tensor scale;  ///< [1, rank], exact in fp16
    /// What a codec with blocks made of it, R as [rank, columns]; its own scales are 1.
    QuantizedWeight blocks{};

    torch::Tensor dense() const { return values * scale; } ///< [rows, rank]
    bool empty() const { return !values.defined(); }
};

/// Codes and scales that make tr((X - target) metric (X - target)^T) small: columns from last to
/// first with feedback (LDLQ at block 1, or at the codec's blocks, where X is L; R in blocks is
/// RightBlockRounder's), then sweeps of coordinate descent. target [rows, rank],
/// metric [rank, rank] symmetric positive semi-definite, on one device. Throws
/// Error("decompose.range") when a scale does not fit fp16.
QuantizedFactor roundFactor(const torch::Tensor& target, const torch::Tensor& metric,
                            const FactorCodec& codec);

/// Coordinate descent from what is there: codes and scales of each column in turn at their optimum
/// given the others. Never makes the objective larger (up to rounding).
void improveFactor(QuantizedFactor& factor, const torch::Tensor& target,
                   const torch::Tensor& metric, const FactorCodec& codec);

/// L as it is, R from its transpose.
enum class FactorSide { Left, Right };
PackedMatrix packFactor(const QuantizedFactor& factor, const FactorCodec& codec, FactorSide side);

} // namespace caldera
