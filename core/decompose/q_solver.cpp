#include "core/decompose/q_solver.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/base/half.h"
#include "core/decompose/scales.h"
#include "core/job/progress.h"

namespace caldera {

namespace {

/// Weight of padding columns, whose error is never seen.
constexpr double kPaddingDiagonal = 1e-4;

/// Panels from the last to the first; all but the last hold kPanelColumns.
std::vector<Panel> panelsBackwards(int64_t columns) {
    std::vector<Panel> panels;
    for (int64_t first = 0; first < columns; first += kPanelColumns) {
        panels.push_back({first, std::min(kPanelColumns, columns - first)});
    }
    std::reverse(panels.begin(), panels.end());
    return panels;
}

/// The diagonal blocks [n / block, block, block] of a square [n, n], as a view.
torch::Tensor diagonalBlocks(const torch::Tensor& x, int64_t block) {
    return x.as_strided({x.size(0) / block, block, block},
                        {block * (x.stride(0) + x.stride(1)), x.stride(0), x.stride(1)},
                        x.storage_offset());
}

/// [count, block, block] -> the block-diagonal matrix.
torch::Tensor blockDiagonal(const torch::Tensor& blocks) {
    const int64_t size = blocks.size(0) * blocks.size(1);
    torch::Tensor matrix = at::zeros({size, size}, blocks.options());
    diagonalBlocks(matrix, blocks.size(1)).copy_(blocks);
    return matrix;
}

std::unique_ptr<const PanelEncoder> makeEncoder(const Codec& codec, MatrixShape shape,
                                                const torch::Device& device,
                                                const std::stop_token& stop) {
    if (device.is_cuda()) {
        if (auto encoder = makeCudaPanelEncoder(codec, shape, device)) {
            return encoder;
        }
    }
    return makeHostPanelEncoder(codec, shape, stop);
}

} // namespace

QSolver::QSolver(const Codec& codec, MatrixShape shape, const torch::Tensor& hessian,
                 const torch::Tensor& cholesky, std::stop_token stop, RowScale rowScale)
    : codec_(codec), shape_(shape), paddedShape_{padTo(shape.rows, kRowGroup),
                                                 padTo(shape.columns, codec.blockColumns())},
      hessian_(paddedSquare(hessian, kPaddingDiagonal)),
      cholesky_(paddedSquare(cholesky, std::sqrt(kPaddingDiagonal))), stop_(std::move(stop)),
      rowScale_(rowScale), encoder_(makeEncoder(codec, shape, hessian.device(), stop_)) {}

/// Those of a panel among one [V, V] matrix for each block of columns.
torch::Tensor QSolver::blocksOf(const torch::Tensor& all, const Panel& panel) const {
    const int64_t width = codec_.blockColumns();
    return all.narrow(0, panel.first / width, panel.count / width);
}

torch::Tensor QSolver::padded(const torch::Tensor& x) const {
    if (shape_ == paddedShape_) {
        return x.contiguous(); // kernels on a GPU count on it
    }
    return at::constant_pad_nd(
        x, {0, paddedShape_.columns - shape_.columns, 0, paddedShape_.rows - shape_.rows});
}

torch::Tensor QSolver::paddedSquare(const torch::Tensor& x, double diagonal) const {
    const int64_t extra = paddedShape_.columns - shape_.columns;
    return extra == 0 ? x : at::block_diag({x, at::eye(extra, x.options()) * diagonal});
}

torch::Tensor QSolver::groupScale(const torch::Tensor& target) const {
    if (rowScale_ == RowScale::One) {
        return at::ones({paddedShape_.rows, 1}, target.options());
    }
    const int64_t groups = paddedShape_.rows / kRowGroup;
    // Padding is not part of the mean.
    torch::Tensor rowCount = at::full({groups, 1}, kRowGroup, target.options());
    rowCount[groups - 1] = static_cast<double>(shape_.rows - (groups - 1) * kRowGroup);
    const torch::Tensor energy =
        target.square().sum(1).view({groups, kRowGroup}).sum(1, true); // [groups, 1]
    const torch::Tensor rms =
        (energy / (rowCount * static_cast<double>(shape_.columns))).sqrt() / codec_.inputRms();
    const torch::Tensor scale = roundToHalf(rms); // 0 where hardly anything is left: then Q is 0
    if (!at::isfinite(scale).all().item<bool>()) {
        throw Error("decompose.range",
                    "The weights of a 16-row group are above what an fp16 scale can hold (root "
                    "mean square 65504). Rescale the matrix.");
    }
    return scale.repeat_interleave(kRowGroup, 0); // [paddedRows, 1]
}

QuantizedWeight QSolver::encode(const torch::Tensor& target, const torch::Tensor& cholesky) const {
    const torch::Tensor factor =
        cholesky.defined() ? paddedSquare(cholesky, std::sqrt(kPaddingDiagonal)) : cholesky_;
    const int64_t width = codec_.blockColumns();
    const torch::Tensor a = padded(target);
    QuantizedWeight q{at::empty_like(a), groupScale(a), encoder_->emptyCodes()};
    torch::Tensor error = at::zeros_like(a);
    const torch::Tensor blocks = diagonalBlocks(factor, width);
    const torch::Tensor inverses = at::linalg_solve_triangular(
        blocks, at::eye(width, blocks.options()).expand_as(blocks), false);
    for (const Panel& panel : panelsBackwards(paddedShape_.columns)) {
        checkCancelled(stop_);
        // Dividing each diagonal block out of the Cholesky factor gives the unit block lower factor
        // of the block LDL decomposition.
        const torch::Tensor unitScale = blockDiagonal(blocksOf(inverses, panel)); // [panel, panel]
        const torch::Tensor own = a.narrow(1, panel.first, panel.count);
        torch::Tensor corrected = own.clone(at::MemoryFormat::Contiguous);
        const int64_t behind = paddedShape_.columns - panel.end();
        if (behind > 0) {
            const torch::Tensor feedback =
                at::mm(error.narrow(1, panel.end(), behind),
                       factor.narrow(0, panel.end(), behind).narrow(1, panel.first, panel.count));
            corrected.addmm_(feedback, unitScale);
        }
        const torch::Tensor square =
            factor.narrow(0, panel.first, panel.count).narrow(1, panel.first, panel.count);
        encoder_->feedback({panel,
                            own,
                            corrected,
                            at::mm(square, unitScale),
                            {},
                            codec_.usesMetric() ? blocksOf(blocks, panel) : torch::Tensor()},
                           q, error);
    }
    return q;
}

QuantizedWeight QSolver::nearest(const torch::Tensor& target) const {
    const torch::Tensor a = padded(target);
    QuantizedWeight q{{}, groupScale(a), encoder_->emptyCodes()};
    encoder_->nearest(a * inverseScale(q.scale), q);
    return q;
}

void QSolver::refitScale(const torch::Tensor& target, QuantizedWeight& q) const {
    const torch::Tensor weighted = at::mm(q.values, hessian_);
    const auto perGroup = [](const torch::Tensor& x) {
        return x.sum(1).view({-1, kRowGroup}).sum(1, true); // [groups, 1]
    };
    const torch::Tensor energy = perGroup(weighted * q.values);
    const torch::Tensor fitted = roundToHalf(perGroup(weighted * target) / energy.clamp_min(1e-30))
                                     .repeat_interleave(kRowGroup, 0);
    const torch::Tensor usable = at::isfinite(fitted) & (fitted > 0) & (q.scale > 0);
    q.scale = at::where(usable, fitted, q.scale);
}

void QSolver::improve(const torch::Tensor& target, QuantizedWeight& q) const {
    const torch::Tensor a = padded(target);
    if (rowScale_ == RowScale::Fitted) {
        refitScale(a, q);
    }
    if (!inverses_.defined()) {
        const torch::Tensor blocks = diagonalBlocks(hessian_, codec_.blockColumns());
        inverses_ = at::linalg_inv(blocks);
        if (codec_.usesMetric()) {
            blockFactors_ = std::get<0>(at::linalg_cholesky_ex(blocks));
        }
    }
    torch::Tensor error = a - q.values * q.scale;
    for (const Panel& panel : panelsBackwards(paddedShape_.columns)) {
        checkCancelled(stop_);
        const torch::Tensor columns = hessian_.narrow(1, panel.first, panel.count);
        encoder_->descend({panel, a.narrow(1, panel.first, panel.count), at::mm(error, columns),
                           columns.narrow(0, panel.first, panel.count), blocksOf(inverses_, panel),
                           codec_.usesMetric() ? blocksOf(blockFactors_, panel) : torch::Tensor()},
                          q, error);
    }
}

torch::Tensor QSolver::dense(const QuantizedWeight& q) const {
    return (q.values * q.scale).narrow(0, 0, shape_.rows).narrow(1, 0, shape_.columns);
}

std::vector<std::byte> QSolver::pack(const QuantizedWeight& q) {
    const torch::Tensor codes = q.codes.to(at::kCPU);
    const auto* bytes = reinterpret_cast<const std::byte*>(codes.data_ptr<uint8_t>());
    return {bytes, bytes + codes.numel()};
}

} // namespace caldera
