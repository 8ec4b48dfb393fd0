// Errors like those that compression leaves, without compressing.
#pragma once

#include <cstdint>

#include <torch/types.h>

#include "core/decompose/cell_basis.h"

namespace caldera {

/// W + E, unrotated [rows, columns]: E is seeded Gaussian noise of the shape that LDLQ gives to
/// rounding errors (E times the unit lower factor of the Hessian is white, in proportion to the
/// size of the rows of 16 that share a scale), scaled to the relative error (docs/decisions/0082).
torch::Tensor noisyWeight(const torch::Tensor& weight, const CellBasis& basis, double relativeError,
                          uint64_t seed);

} // namespace caldera
