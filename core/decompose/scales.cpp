#include "core/decompose/scales.h"

#include <ATen/ATen.h>

#include "core/base/error.h"

namespace caldera {

torch::Tensor roundToHalf(const torch::Tensor& x) {
    return x.to(at::kHalf).to(at::kFloat);
}

torch::Tensor inverseScale(const torch::Tensor& scale) {
    return at::where(scale > 0, scale.reciprocal(), at::zeros_like(scale));
}

torch::Tensor divideByScale(const torch::Tensor& x, const torch::Tensor& scale) {
    return at::where(scale > 0, x / scale, at::zeros_like(x));
}

torch::Tensor columnScale(const torch::Tensor& x, double inputRms) {
    torch::Tensor scale = roundToHalf(x.square().mean(0, true).sqrt() / inputRms);
    if (!at::isfinite(scale).all().item<bool>()) {
        throw Error("decompose.range",
                    "A scale of the low-rank factors does not fit fp16 (65504 at most). Rescale "
                    "the matrix.");
    }
    return scale;
}

} // namespace caldera
