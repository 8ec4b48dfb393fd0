#include "core/forward/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

#include <ATen/ATen.h>
#include <torch/version.h>

namespace caldera {

namespace {

/// 16 MiB stay near a processor's cache; a GPU wants few, large launches (256 MiB).
int64_t defaultScoreElements(const torch::Device& device) {
    return int64_t{1} << (device.is_cpu() ? 22 : 26);
}

/// Llama 3.1: long wavelengths are stretched by the factor, short ones kept, a ramp between.
torch::Tensor scaleFrequencies(const torch::Tensor& frequency, const RopeScaling& scaling) {
    const auto original = static_cast<double>(scaling.originalMaxPositions);
    const torch::Tensor wavelength = 2 * std::numbers::pi / frequency;
    const torch::Tensor stretched = frequency / scaling.factor;
    const torch::Tensor ramp = (original / wavelength - scaling.lowFrequencyFactor) /
                               (scaling.highFrequencyFactor - scaling.lowFrequencyFactor);
    const torch::Tensor blended = (1 - ramp) * stretched + ramp * frequency;
    const torch::Tensor isLong = wavelength > original / scaling.lowFrequencyFactor;
    const torch::Tensor isShort = wavelength < original / scaling.highFrequencyFactor;
    return at::where(isLong, stretched, at::where(isShort, frequency, blended));
}

} // namespace

RotaryTable rotaryTable(const ModelConfig& config, int64_t length, const torch::Device& device) {
    const at::TensorOptions options(at::kFloat);
    const torch::Tensor exponent =
        at::arange(0, config.headSize, 2, options) / static_cast<double>(config.headSize);
    torch::Tensor frequency = 1.0 / at::pow(config.ropeTheta, exponent); // [headSize / 2]
    if (config.ropeScaling) {
        frequency = scaleFrequencies(frequency, *config.ropeScaling);
    }
    const torch::Tensor angle = at::outer(at::arange(length, options), frequency);
    return {angle.cos().to(device), angle.sin().to(device)};
}

torch::Tensor rotate(const torch::Tensor& x, const RotaryTable& table) {
    const int64_t half = x.size(3) / 2;
    const torch::Tensor first = x.narrow(3, 0, half);
    const torch::Tensor second = x.narrow(3, half, half);
    const torch::Tensor cosine = table.cosine.unsqueeze(1); // [t, 1, headSize / 2]
    const torch::Tensor sine = table.sine.unsqueeze(1);
    return at::cat({first * cosine - second * sine, second * cosine + first * sine}, 3)
        .to(x.scalar_type());
}

torch::Tensor causalAttention(const torch::Tensor& query, const torch::Tensor& key,
                              const torch::Tensor& value, int64_t scoreElements) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 5)
    if (query.is_cuda() && query.scalar_type() == at::kBFloat16) {
        // One kernel that keeps scores in f32 and never stores them.
        return at::scaled_dot_product_attention(query.transpose(1, 2), key.transpose(1, 2),
                                                value.transpose(1, 2), {}, 0.0, true, std::nullopt,
                                                query.size(2) != key.size(2))
            .transpose(1, 2)
            .contiguous();
    }
#endif
    const int64_t n = query.size(0);
    const int64_t length = query.size(1);
    const int64_t heads = query.size(2);
    const int64_t size = query.size(3);
    const int64_t kvHeads = key.size(2);
    const int64_t shared = heads / kvHeads; // query heads that share a key head
    const double scale = 1.0 / std::sqrt(static_cast<double>(size));
    const torch::Tensor keys = key.permute({0, 2, 3, 1}).contiguous();     // [n, kv, d, t]
    const torch::Tensor values = value.permute({0, 2, 1, 3}).contiguous(); // [n, kv, t, d]
    const torch::Tensor queries = (query * scale).permute({0, 2, 1, 3});   // [n, heads, t, d]
    const torch::Tensor position = at::arange(length, query.options().dtype(at::kLong));
    torch::Tensor out = at::empty({n, length, heads, size}, query.options());

    const int64_t elements =
        scoreElements > 0 ? scoreElements : defaultScoreElements(query.device());
    const int64_t sliceLength = std::max<int64_t>(1, elements / (n * heads * length));
    for (int64_t first = 0; first < length; first += sliceLength) {
        const int64_t count = std::min(sliceLength, length - first);
        const int64_t visible = first + count;
        const torch::Tensor slice =
            queries.narrow(2, first, count).reshape({n, kvHeads, shared * count, size});
        torch::Tensor scores =
            at::matmul(slice, keys.narrow(3, 0, visible)).view({n, heads, count, visible});
        const torch::Tensor isLater = position.narrow(0, 0, visible).unsqueeze(0) >
                                      position.narrow(0, first, count).unsqueeze(1);
        scores.masked_fill_(isLater, -std::numeric_limits<float>::infinity());
        const torch::Tensor weights =
            at::softmax(scores, -1).view({n, kvHeads, shared * count, visible});
        out.narrow(1, first, count)
            .copy_(at::matmul(weights, values.narrow(2, 0, visible))
                       .view({n, heads, count, size})
                       .transpose(1, 2));
    }
    return out;
}

} // namespace caldera
