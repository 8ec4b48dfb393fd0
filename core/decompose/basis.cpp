#include <utility>

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/codec/transform.h"
#include "core/decompose/decompose.h"
#include "core/linalg/factorization.h"
#include "core/linalg/random.h"
#include "core/linalg/rotation.h"

namespace caldera {

namespace {

/// Errors are always reported with this damping, whatever the solver used.
constexpr double kReportedDamping = 0.01;
constexpr double kAsymmetryLimit = 1e-3;
/// LibTorch divides by multiplying with the inverse, which f32 rounds to zero beyond this.
constexpr double kLargestEntry = 0x1p125;

std::string sizeText(const torch::Tensor& x) {
    std::string text;
    for (const int64_t size : x.sizes()) {
        text += (text.empty() ? "" : " x ") + std::to_string(size);
    }
    return text;
}

void checkHessian(const torch::Tensor& hessian, int64_t columns) {
    if (hessian.dim() != 2 || hessian.size(0) != columns || hessian.size(1) != columns) {
        throw Error("decompose.hessian-shape",
                    "The Hessian is " + sizeText(hessian) + ", but the weight has " +
                        std::to_string(columns) + " columns: " + std::to_string(columns) + " x " +
                        std::to_string(columns) + " was needed.",
                    {{"needed", std::to_string(columns)}});
    }
    if (!at::isfinite(hessian).all().item<bool>()) {
        throw Error("decompose.not-finite", "The Hessian holds NaN or infinity. Check the "
                                            "calibration text and the model's weights.");
    }
    const double largest = hessian.abs().max().item<double>();
    if (largest > kLargestEntry) {
        throw Error("decompose.hessian",
                    "The Hessian has entries up to " + numberText(largest) + "; at most " +
                        numberText(kLargestEntry) +
                        " was needed. Check the calibration text and the model's weights.",
                    {{"largest", numberText(largest)}});
    }
    const double asymmetry = (hessian - hessian.t()).abs_().max().item<double>();
    if (asymmetry > kAsymmetryLimit * largest) {
        throw Error("decompose.hessian", "The Hessian is not symmetric (entries differ by up to " +
                                             numberText(asymmetry) +
                                             "). A mean of x x^T was needed.");
    }
}

/// H / mean diag in memory of its own; the identity when nothing was given or no input was ever
/// active.
torch::Tensor normalized(torch::Tensor hessian, int64_t columns) {
    if (!hessian.defined()) {
        return at::eye(columns, at::kFloat);
    }
    const torch::Tensor matrix = std::exchange(hessian, {}).to(at::kFloat);
    checkHessian(matrix, columns);
    const double mean = matrix.diagonal().mean(at::kDouble).item<double>();
    if (mean < 0 || matrix.diagonal().min().item<double>() < 0) {
        throw Error("decompose.hessian", "The Hessian has a negative diagonal. A mean of x x^T was "
                                         "needed.");
    }
    return mean > 0 ? matrix / mean : at::eye(columns, matrix.options());
}

} // namespace

GroupBasis makeGroupBasis(torch::Tensor hessian, int64_t columns, const CellSettings& settings,
                          uint64_t seed) {
    GroupBasis basis;
    // At most three matrices of this size are alive at a time.
    torch::Tensor rotated = normalized(std::move(hessian), columns);
    basis.hessianDiagonal = rotated.diagonal().clone();
    basis.transformBlock = transformBlock(settings.transform, columns);
    basis.inSign = settings.transform == "none" ? at::ones({columns}, at::kFloat)
                                                : randomSigns(1, columns, seed).flatten();
    basis.inSign = basis.inSign.to(rotated.device());
    rotated.mul_(basis.inSign.unsqueeze(0)).mul_(basis.inSign.unsqueeze(1));
    rotated = rotateRows(rotated, basis.transformBlock);
    rotated = rotateColumns(rotated, basis.transformBlock); // Un^T D H D Un
    DampedCholesky damped = dampedCholesky(rotated, settings.damping);
    basis.hessian = std::move(damped.matrix);
    basis.cholesky = std::move(damped.factor);
    basis.dampingUsed = damped.damping;
    if (basis.dampingUsed == kReportedDamping) {
        basis.metric = basis.hessian;
    } else {
        basis.metric = std::move(rotated);
        basis.metric.diagonal().add_(kReportedDamping);
    }
    return basis;
}

} // namespace caldera
