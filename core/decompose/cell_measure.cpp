#include "core/decompose/cell_measure.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "core/linalg/rotation.h"
#include "core/linalg/spectrum.h"

namespace caldera {

namespace {

std::vector<float> toVector(const torch::Tensor& x) {
    const torch::Tensor flat = x.to(at::kCPU, at::kFloat).contiguous();
    return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

/// The leading values; tailEnergy gets the share of the energy outside them.
std::vector<float> leadingValues(const torch::Tensor& x, double& tailEnergy) {
    Spectrum spectrum = spectrumOf(x);
    tailEnergy = spectrum.tailEnergy;
    return std::move(spectrum.leading);
}

} // namespace

void measureCell(CompressedCell& cell, const torch::Tensor& weight, const GroupBasis& basis) {
    CellReport& report = cell.report;
    const torch::Tensor error = weight - reconstruct(cell, weight.device());
    // Rotating the rows changes neither the trace nor what a single output's error is.
    const auto rotated = [&](const torch::Tensor& x) {
        return rotateColumns(x * basis.inSign, basis.transformBlock); // [rows, columns]
    };
    const torch::Tensor rotatedError = rotated(error);
    const torch::Tensor rotatedWeight = rotated(weight);
    const torch::Tensor rowEnergy = (at::mm(rotatedError, basis.metric) * rotatedError).sum(1);
    const double reference =
        (at::mm(rotatedWeight, basis.metric) * rotatedWeight).sum(at::kDouble).item<double>();
    const double total = rowEnergy.sum(at::kDouble).item<double>();
    report.proxyError = reference > 0 ? std::max(0.0, total / reference) : 0;
    report.relativeError = std::sqrt(report.proxyError);
    const double meanRowEnergy = reference / static_cast<double>(weight.size(0));
    report.rowError = toVector((rowEnergy / std::max(meanRowEnergy, 1e-30)).clamp_min(0).sqrt());
    report.columnError = toVector(error.square().mean(0).sqrt());
    report.hessianDiagonal = toVector(basis.hessianDiagonal);
    report.singularValues = leadingValues(weight, report.tailEnergy);
    report.hessianSingularValues =
        leadingValues(at::mm(rotatedWeight, basis.cholesky), report.hessianTailEnergy);
    report.residualSingularValues = leadingValues(error, report.residualTailEnergy);
}

} // namespace caldera
