#include "core/linalg/spectrum.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

namespace caldera {

namespace {

/// Largest smaller side whose Gram matrix is solved whole.
constexpr int64_t kWholeSide = 2048;
constexpr int64_t kOversampling = 64;
constexpr int kSubspaceRounds = 4;

/// Singular values of a small wide matrix, descending, f64 on the CPU.
torch::Tensor gramSingularValues(const torch::Tensor& wide) {
    const torch::Tensor matrix = wide.to(at::kDouble);
    const torch::Tensor gram = at::mm(matrix, matrix.t());
    return at::linalg_eigvalsh(gram).cpu().clamp_min(0).sqrt().flip(0);
}

/// wide [side, length] projected on the subspace where it is largest: [width, length].
torch::Tensor project(const torch::Tensor& wide, int64_t width) {
    at::Generator generator = at::detail::createCPUGenerator(0);
    torch::Tensor basis = at::randn({wide.size(0), width}, generator, at::TensorOptions(at::kFloat))
                              .to(wide.device());
    basis = std::get<0>(at::linalg_qr(basis));
    for (int round = 0; round < kSubspaceRounds; ++round) {
        basis = std::get<0>(at::linalg_qr(at::mm(wide, at::mm(wide.t(), basis))));
    }
    return at::mm(basis.t(), wide);
}

} // namespace

Spectrum spectrumOf(const torch::Tensor& matrix, int64_t count) {
    const at::NoGradGuard noGradients;
    const torch::Tensor wide = matrix.size(0) <= matrix.size(1) ? matrix : matrix.t();
    const int64_t side = wide.size(0);
    const int64_t width = std::min(side, count + kOversampling);
    const torch::Tensor values =
        gramSingularValues(side <= kWholeSide ? wide : project(wide, width));

    const torch::Tensor leading = values.narrow(0, 0, std::min(count, values.size(0)));
    const double energy = wide.square().sum(at::kDouble).item<double>();
    const double kept = leading.square().sum().item<double>();
    const torch::Tensor rounded = leading.to(at::kFloat).contiguous();
    Spectrum spectrum;
    spectrum.leading.assign(rounded.data_ptr<float>(), rounded.data_ptr<float>() + rounded.numel());
    const bool isWhole = leading.size(0) == side;
    spectrum.tailEnergy = energy > 0 && !isWhole ? std::clamp(1 - kept / energy, 0.0, 1.0) : 0.0;
    return spectrum;
}

} // namespace caldera
