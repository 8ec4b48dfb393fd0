#include "core/decompose/factor.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/decompose/block_factor.h"
#include "core/decompose/scales.h"

namespace caldera {

namespace {

constexpr int kSweeps = 2;

/// Nearest levels of a codec; the table and its boundaries are made once.
class Levels {
public:
    Levels(const FactorCodec& codec, const torch::Device& device) {
        const std::span<const float> levels = codec.levels();
        if (!levels.empty()) {
            levels_ = at::empty({static_cast<int64_t>(levels.size())}, at::kFloat);
            std::copy(levels.begin(), levels.end(), levels_.data_ptr<float>());
            const int64_t gaps = levels_.size(0) - 1;
            boundaries_ =
                ((levels_.narrow(0, 0, gaps) + levels_.narrow(0, 1, gaps)) / 2).to(device);
            levels_ = levels_.to(device);
        }
    }

    torch::Tensor nearest(const torch::Tensor& x) const {
        return levels_.defined() ? levels_.index({at::bucketize(x.contiguous(), boundaries_)})
                                 : roundToHalf(x);
    }

private:
    torch::Tensor levels_;
    torch::Tensor boundaries_;
};

torch::Tensor feedbackPass(const torch::Tensor& target, const torch::Tensor& metric,
                           const torch::Tensor& scale, const Levels& levels) {
    const int64_t rank = target.size(1);
    torch::Tensor regular = metric.clone();
    regular.diagonal().add_((metric.diagonal().mean() * 1e-6).clamp_min(1e-30));
    const torch::Tensor factor = std::get<0>(at::linalg_cholesky_ex(regular));
    const torch::Tensor unit = factor / factor.diagonal(); // unit lower
    torch::Tensor corrected = target.t().contiguous();     // [rank, rows]
    torch::Tensor values = at::empty_like(corrected);
    for (int64_t k = rank - 1; k >= 0; --k) {
        const torch::Tensor step = scale.select(1, k);
        values[k].copy_(levels.nearest(divideByScale(corrected[k], step)));
        if (k > 0) {
            const torch::Tensor error = target.select(1, k) - values[k] * step;
            corrected.narrow(0, 0, k).addmm_(unit[k].narrow(0, 0, k).unsqueeze(1),
                                             error.unsqueeze(0));
        }
    }
    return values.t().contiguous();
}

} // namespace

QuantizedFactor roundFactor(const torch::Tensor& target, const torch::Tensor& metric,
                            const FactorCodec& codec) {
    if (codec.blocks() != nullptr) {
        return roundLeftInBlocks(target, metric, *codec.blocks());
    }
    QuantizedFactor factor;
    factor.scale = columnScale(target, 1);
    factor.values = feedbackPass(target, metric, factor.scale, Levels(codec, target.device()));
    improveFactor(factor, target, metric, codec);
    return factor;
}

void improveFactor(QuantizedFactor& factor, const torch::Tensor& target,
                   const torch::Tensor& metric, const FactorCodec& codec) {
    if (codec.blocks() != nullptr) {
        improveLeftInBlocks(factor, target, metric, *codec.blocks());
        return;
    }
    const Levels levels(codec, target.device());
    torch::Tensor values = factor.values.t().contiguous(); // [rank, rows]
    torch::Tensor scale = factor.scale.flatten().clone();  // [rank]
    torch::Tensor slope = // half the downhill gradient [rank, rows]
        at::mm(metric, (target - factor.dense()).t());
    // Everything stays a tensor, so that a GPU is never waited for.
    for (int sweep = 0; sweep < kSweeps; ++sweep) {
        for (int64_t k = 0; k < values.size(0); ++k) {
            const torch::Tensor curvature = metric[k][k]; // []
            const torch::Tensor old = scale[k].clone();   // []
            const torch::Tensor isUsable = (curvature > 0) & (old > 0);
            const torch::Tensor before = values[k] * old;
            const torch::Tensor optimum = before + slope[k] / curvature;
            const torch::Tensor chosen =
                at::where(isUsable, levels.nearest(optimum / old), values[k]);
            const torch::Tensor energy = chosen.square().sum();
            const torch::Tensor best =
                at::where(energy > 0, (optimum * chosen).sum() / energy, old);
            const torch::Tensor fitted = roundToHalf(best);
            scale[k] = at::where(isUsable & at::isfinite(fitted) & (fitted > 0), fitted, old);
            values[k].copy_(chosen);
            const torch::Tensor step = chosen * scale[k] - before; // [rows]
            slope.addmm_(metric[k].unsqueeze(1), step.unsqueeze(0), 1, -1);
        }
    }
    factor.values = values.t().contiguous();
    factor.scale = scale.unsqueeze(0);
}

PackedMatrix packFactor(const QuantizedFactor& factor, const FactorCodec& codec, FactorSide side) {
    const torch::Tensor values =
        (side == FactorSide::Left ? factor.values : factor.values.t()).to(at::kCPU).contiguous();
    const torch::Tensor bits = factor.scale.to(at::kCPU, at::kHalf).contiguous();
    PackedMatrix packed;
    packed.codec = codec.id();
    packed.shape = {values.size(0), values.size(1)};
    packed.codes =
        codec.blocks() != nullptr
            ? QSolver::pack(factor.blocks)
            : codec.packValues({values.data_ptr<float>(), static_cast<size_t>(values.numel())},
                               packed.shape);
    const auto* data = reinterpret_cast<const uint16_t*>(bits.data_ptr<at::Half>());
    packed.scale.assign(data, data + bits.numel());
    return packed;
}

} // namespace caldera
