// Random matrices with Hessians, for tests of whatever decomposes them.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>

#include <ATen/ATen.h>

#include "core/decompose/decompose.h"

namespace caldera::test {

inline torch::Tensor randomMatrix(int64_t rows, int64_t columns, uint64_t seed) {
    std::mt19937_64 generator(seed);
    std::normal_distribution<float> normal;
    torch::Tensor x = at::empty({rows, columns}, at::kFloat);
    std::generate_n(x.data_ptr<float>(), x.numel(), [&] { return normal(generator); });
    return x;
}

/// Of inputs whose channels differ in size by e^4 and depend on each other.
inline torch::Tensor randomHessian(int64_t size, uint64_t seed) {
    const torch::Tensor gains = at::linspace(-2, 2, size, at::kFloat).exp();
    const torch::Tensor mix =
        randomMatrix(size, size, seed) / std::sqrt(static_cast<double>(size)) +
        at::eye(size, at::kFloat);
    const torch::Tensor x = at::mm(randomMatrix(3 * size, size, seed + 1) * gains, mix);
    return at::mm(x.t(), x) / static_cast<double>(3 * size);
}

struct MatrixProblem {
    torch::Tensor weight;  ///< [rows, columns]
    torch::Tensor hessian; ///< [columns, columns]
};

inline MatrixProblem randomProblem(int64_t rows, int64_t columns, uint64_t seed = 1) {
    return {randomMatrix(rows, columns, seed) * 0.02, randomHessian(columns, seed + 10)};
}

inline CompressedCell solve(const MatrixProblem& problem, const CellSettings& settings,
                            uint64_t seed = 7) {
    const GroupBasis basis =
        makeGroupBasis(problem.hessian, problem.weight.size(1), settings, seed);
    return decompose({{3, Module::UpProj}, problem.weight, settings, seed + 1, {}}, basis);
}

/// What errors are reported in: H / mean diag + 0.01 I, the identity for H of a silent input.
inline torch::Tensor metricOf(const torch::Tensor& hessian) {
    const torch::Tensor unit = at::eye(hessian.size(0), at::kDouble);
    const torch::Tensor wide = hessian.to(at::kDouble);
    const double mean = wide.diagonal().mean().item<double>();
    return (mean > 0 ? wide / mean : unit) + unit * 0.01;
}

/// By the definition, in f64 and in the unrotated basis; 0 for a weight of zeros.
inline double relativeError(const MatrixProblem& problem, const CompressedCell& cell) {
    const torch::Tensor metric = metricOf(problem.hessian);
    const auto energy = [&](const torch::Tensor& x) {
        return std::max(0.0, (at::mm(x, metric) * x).sum().item<double>());
    };
    const torch::Tensor weight = problem.weight.to(at::kDouble);
    const double whole = energy(weight);
    return whole > 0 ? std::sqrt(energy(weight - reconstruct(cell).to(at::kDouble)) / whole) : 0;
}

} // namespace caldera::test
