// Factorizations that the solver is made of: a Cholesky that always ends, and leading singular
// vectors.
#pragma once

#include <cstdint>

#include <torch/types.h>

namespace caldera {

struct DampedCholesky {
    torch::Tensor matrix; ///< [n, n]: what came plus damping on the diagonal
    torch::Tensor factor; ///< [n, n] lower
    double damping = 0;   ///< as asked, or what it had to be raised to
};

/// Cholesky of `matrix` (symmetric, mean diagonal 1) + damping I. When that is not positive
/// definite, damping is raised tenfold until it is. Throws Error("decompose.hessian") when even a
/// damping of 10 is not enough, which a Hessian never needs.
DampedCholesky dampedCholesky(const torch::Tensor& matrix, double damping);

/// Solves X M = B for a symmetric positive semi-definite M [n, n], B [rows, n]. 1e-6 of the mean
/// diagonal is added to M, or ten times as much until a factor exists, so that a rank-deficient M
/// gives the small solution. Throws Error("decompose.gram") for what is no such matrix.
torch::Tensor solveSymmetric(const torch::Tensor& m, const torch::Tensor& b);

struct LeadingPart {
    torch::Tensor left;   ///< [rows, count] orthonormal left singular vectors
    torch::Tensor values; ///< [count] singular values, descending
};

/// Leading singular part of a [rows, columns] matrix: exact (from the smaller Gram matrix) up to
/// 1536, by block subspace iteration from seeded random signs above. `count` is cut to the smaller
/// side.
LeadingPart leadingPart(const torch::Tensor& a, int64_t count, uint64_t seed);

/// The left part of A chol(M): eigenvectors [rows, count] of A M A^T, metric M [columns, columns]
/// symmetric positive definite. Large matrices on a GPU do without the factor of M, which would
/// take as much memory as M.
torch::Tensor leadingDirections(const torch::Tensor& a, const torch::Tensor& metric, int64_t count,
                                uint64_t seed);

} // namespace caldera
