// The rotated basis of one cell, in which its weight is rounded.
#pragma once

#include <cstdint>

#include <torch/types.h>

#include "core/decompose/decompose.h"
#include "core/plan/plan.h"

namespace caldera {

/// Weights [rows, columns] into the basis of their input group and of their own outputs, and back.
class CellBasis {
public:
    /// `seed` is the cell's; the group's basis outlives this.
    CellBasis(const GroupBasis& group, const CellSettings& settings, int64_t rows, uint64_t seed);

    /// Um^T D_v W D_u Un.
    torch::Tensor rotated(const torch::Tensor& weight) const;
    /// The weight that `rotated` comes from.
    torch::Tensor unrotated(const torch::Tensor& rotated) const;

    const GroupBasis& group() const { return group_; }
    const torch::Tensor& outSign() const { return outSign_; } ///< [rows, 1]

private:
    const GroupBasis& group_;
    torch::Tensor outSign_;
    int64_t outBlock_;
};

} // namespace caldera
