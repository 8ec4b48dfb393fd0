#include "core/fidelity/compression_noise.h"

#include <cmath>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "core/model/module.h"

namespace caldera {

namespace {

/// Root mean square of the 16 rows that share a scale, for each row: [rows, 1].
torch::Tensor rowScales(const torch::Tensor& rotated) {
    const int64_t rows = rotated.size(0);
    const int64_t padding = padTo(rows, kRowGroup) - rows;
    const torch::Tensor energy = at::constant_pad_nd(rotated.square().mean(1), {0, padding});
    return energy.view({-1, kRowGroup})
        .sum(1)
        .sqrt()
        .repeat_interleave(kRowGroup)
        .narrow(0, 0, rows)
        .unsqueeze(1);
}

} // namespace

torch::Tensor noisyWeight(const torch::Tensor& weight, const CellBasis& basis, double relativeError,
                          uint64_t seed) {
    const GroupBasis& group = basis.group();
    const torch::Tensor rotated = basis.rotated(weight);
    at::Generator generator = at::detail::createCPUGenerator(seed);
    torch::Tensor noise =
        at::randn(rotated.sizes(), generator, at::TensorOptions(at::kFloat)).to(weight.device());
    noise.mul_(rowScales(rotated)).mul_(group.cholesky.diagonal());
    noise = at::linalg_solve_triangular(group.cholesky, noise, /*upper=*/false, /*left=*/false);
    const auto energy = [&](const torch::Tensor& x) {
        return (at::mm(x, group.metric) * x).sum(at::kDouble).item<double>();
    };
    const double own = energy(noise);
    if (own <= 0) {
        return weight;
    }
    return weight + basis.unrotated(noise) * (relativeError * std::sqrt(energy(rotated) / own));
}

} // namespace caldera
