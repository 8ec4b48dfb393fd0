// The block Hadamard transform on tensors, on whatever device they lie.
#pragma once

#include <cstdint>

#include <torch/types.h>

namespace caldera {

/// x [..., size] times the block-diagonal orthonormal Hadamard matrix, which is symmetric and its
/// own inverse: x Un. A block of 1 returns x itself. Limits: block is a power of two that divides
/// the size of the last dimension.
torch::Tensor rotateColumns(const torch::Tensor& x, int64_t block);

/// The same from the left: Um x, x [size, columns].
torch::Tensor rotateRows(const torch::Tensor& x, int64_t block);

} // namespace caldera
