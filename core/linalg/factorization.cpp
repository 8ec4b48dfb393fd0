#include "core/linalg/factorization.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/linalg/random.h"

namespace caldera {

namespace {

constexpr double kHighestDamping = 10.0;
constexpr double kFirstRaisedDamping = 1e-4;
/// Of the mean diagonal: what a solution with a symmetric matrix begins with.
constexpr double kSolveDamping = 1e-6;
constexpr int64_t kExactLimit = 1536;
constexpr int64_t kOversampling = 32;
constexpr int kPowerIterations = 5;

/// Columns whose singular value is lost in rounding become zero instead of noise.
torch::Tensor divideColumns(const torch::Tensor& vectors, const torch::Tensor& values) {
    const torch::Tensor floor = (values.max() * 1e-6).clamp_min(1e-30);
    return vectors * at::where(values > floor, values.reciprocal(), at::zeros_like(values));
}

LeadingPart exactPart(const torch::Tensor& a, int64_t count) {
    const bool wide = a.size(0) <= a.size(1);
    const torch::Tensor gram = wide ? at::mm(a, a.t()) : at::mm(a.t(), a);
    const auto [energies, vectors] = at::linalg_eigh(gram); // ascending
    const int64_t first = gram.size(0) - count;
    const torch::Tensor values =
        energies.narrow(0, first, count).flip(0).clamp_min(0).sqrt();      // [count]
    const torch::Tensor leading = vectors.narrow(1, first, count).flip(1); // [side, count]
    return {wide ? leading.contiguous() : divideColumns(at::mm(a, leading), values), values};
}

torch::Tensor orthonormal(const torch::Tensor& x) {
    return std::get<0>(at::linalg_qr(x));
}

LeadingPart iteratedPart(const torch::Tensor& a, int64_t count, uint64_t seed) {
    const int64_t width = std::min(count + kOversampling, std::min(a.size(0), a.size(1)));
    torch::Tensor basis =
        orthonormal(at::mm(a, randomSigns(a.size(1), width, seed).to(a.device())));
    for (int i = 0; i < kPowerIterations; ++i) {
        basis = orthonormal(at::mm(a, orthonormal(at::mm(a.t(), basis)))); // [rows, width]
    }
    const LeadingPart small = exactPart(at::mm(basis.t(), a), count);
    return {at::mm(basis, small.left), small.values};
}

/// Block subspace iteration on A M A^T as it is: three thin products a step.
torch::Tensor iteratedDirections(const torch::Tensor& a, const torch::Tensor& metric, int64_t count,
                                 uint64_t seed) {
    const int64_t width = std::min(count + kOversampling, std::min(a.size(0), a.size(1)));
    const auto weighted = [&](const torch::Tensor& basis) {
        return at::mm(metric, at::mm(a.t(), basis)); // M A^T B [columns, width]
    };
    torch::Tensor basis = randomSigns(a.size(0), width, seed).to(a.device());
    for (int i = 0; i <= kPowerIterations; ++i) {
        basis = orthonormal(at::mm(a, weighted(basis))); // [rows, width]
    }
    const torch::Tensor gram = at::mm(at::mm(basis.t(), a), weighted(basis));
    const torch::Tensor vectors = std::get<1>(at::linalg_eigh(gram)); // by rising energy
    return at::mm(basis, vectors.narrow(1, width - count, count).flip(1));
}

} // namespace

DampedCholesky dampedCholesky(const torch::Tensor& matrix, double damping) {
    double tried = damping;
    while (tried <= kHighestDamping) {
        torch::Tensor damped = matrix.clone();
        damped.diagonal().add_(tried);
        auto [factor, info] = at::linalg_cholesky_ex(damped);
        // A factor can come out non-finite with a clean info when the matrix is close to singular.
        // Whatever is not finite in a row reaches its diagonal; asking all of a wide Hessian's
        // factor would take as much memory again.
        if (info.item<int>() == 0 && at::isfinite(factor.diagonal()).all().item<bool>()) {
            return {std::move(damped), std::move(factor), tried};
        }
        tried = std::max(tried * 10, kFirstRaisedDamping);
    }
    throw Error("decompose.hessian",
                "The Hessian is not positive definite even with " + numberText(kHighestDamping) +
                    " of its mean diagonal added. A mean of x x^T was needed; check where it came "
                    "from.");
}

torch::Tensor solveSymmetric(const torch::Tensor& m, const torch::Tensor& b) {
    const torch::Tensor mean = m.diagonal().mean().clamp_min(1e-24);
    // A Gram matrix of vectors that are all alike is singular to the last bit of f32.
    double share = kSolveDamping;
    while (share <= 1) {
        torch::Tensor regular = m.clone();
        regular.diagonal().add_(mean * share);
        const auto [factor, info] = at::linalg_cholesky_ex(regular);
        if (info.item<int>() == 0) {
            return at::cholesky_solve(b.t(), factor).t();
        }
        share *= 10;
    }
    throw Error("decompose.gram", "A Gram matrix of the low-rank factors is not positive "
                                  "definite. Lower the rank, or rescale the matrix.");
}

LeadingPart leadingPart(const torch::Tensor& a, int64_t count, uint64_t seed) {
    const int64_t side = std::min(a.size(0), a.size(1));
    const int64_t kept = std::min(count, side);
    return side <= kExactLimit ? exactPart(a, kept) : iteratedPart(a, kept, seed);
}

torch::Tensor leadingDirections(const torch::Tensor& a, const torch::Tensor& metric, int64_t count,
                                uint64_t seed) {
    const int64_t side = std::min(a.size(0), a.size(1));
    if (a.is_cuda() && side > kExactLimit) {
        return iteratedDirections(a, metric, std::min(count, side), seed);
    }
    return leadingPart(at::mm(a, dampedCholesky(metric, 0).factor), count, seed).left;
}

} // namespace caldera
