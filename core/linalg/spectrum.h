// Leading singular values of large matrices.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

namespace caldera {

struct Spectrum {
    std::vector<float> leading; ///< descending, at most the count asked for
    double tailEnergy = 0;      ///< share of the squared Frobenius norm outside them, 0 .. 1
};

/// Singular values of matrix [rows, columns] f32. Up to a smaller side of 2048 they come from the
/// eigenvalues of the Gram matrix in f64 (relative error about 1e-6 of the largest); above, from a
/// seeded block Krylov subspace, where values near the end of `count` may be low by a few percent.
/// Deterministic for a thread count and device.
Spectrum spectrumOf(const torch::Tensor& matrix, int64_t count = 256);

} // namespace caldera
