// Block-diagonal Walsh-Hadamard transform, orthonormal: the rotation of every activation.
#pragma once

#include <cstdint>

namespace caldera::kernels {

/// The largest power of two up to `limit` that divides `size` (29568 -> 128, 576 -> 64, 3 -> 1).
int64_t hadamardBlock(int64_t size, int64_t limit = 128);

/// x [rows, size] f32 in place: each aligned block of `block` values times H / sqrt(block), where H
/// is the symmetric Sylvester matrix, so the transform is its own inverse. Limits: block is a power
/// of two that divides size.
void blockHadamard(float* x, int64_t rows, int64_t size, int64_t block);

namespace reference {
/// The same, bit for bit, in plain loops.
void blockHadamard(float* x, int64_t rows, int64_t size, int64_t block);
} // namespace reference

} // namespace caldera::kernels
