#include "core/decompose/q_solver.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "core/base/error.h"
#include "core/base/half.h"
#include "core/job/progress.h"

namespace caldera {

namespace {

constexpr int64_t kPanelColumns = 128;
/// Rows encoded by one thread at a time.
constexpr int64_t kRowsPerTask = 4 * kRowGroup;
/// Weight of padding columns, whose error is never seen.
constexpr double kPaddingDiagonal = 1e-4;

struct Panel {
    int64_t first = 0;
    int64_t count = 0;
    int64_t end() const { return first + count; }
};

/// Panels from the last to the first; all but the last hold kPanelColumns.
std::vector<Panel> panelsBackwards(int64_t columns) {
    std::vector<Panel> panels;
    for (int64_t first = 0; first < columns; first += kPanelColumns) {
        panels.push_back({first, std::min(kPanelColumns, columns - first)});
    }
    std::reverse(panels.begin(), panels.end());
    return panels;
}

torch::Tensor roundToHalf(const torch::Tensor& x) {
    return x.to(at::kHalf).to(at::kFloat);
}

/// 1 / scale, and 0 where the scale is 0: such rows are all zero.
torch::Tensor inverseScale(const torch::Tensor& scale) {
    return at::where(scale > 0, scale.reciprocal(), at::zeros_like(scale));
}

/// [n, n] -> its diagonal blocks [n / block, block, block].
torch::Tensor diagonalBlocks(const torch::Tensor& x, int64_t block) {
    std::vector<torch::Tensor> blocks;
    for (int64_t i = 0; i < x.size(0); i += block) {
        blocks.push_back(x.narrow(0, i, block).narrow(1, i, block));
    }
    return at::stack(blocks);
}

std::span<std::byte> bytesOf(const torch::Tensor& codes) {
    return {reinterpret_cast<std::byte*>(codes.data_ptr<uint8_t>()),
            static_cast<size_t>(codes.numel())};
}

} // namespace

QSolver::QSolver(const Codec& codec, MatrixShape shape, const torch::Tensor& hessian,
                 const torch::Tensor& cholesky, std::stop_token stop)
    : codec_(codec), shape_(shape), paddedShape_{padTo(shape.rows, kRowGroup),
                                                 padTo(shape.columns, codec.blockColumns())},
      hessian_(paddedSquare(hessian, kPaddingDiagonal)),
      cholesky_(paddedSquare(cholesky, std::sqrt(kPaddingDiagonal))), stop_(std::move(stop)) {}

torch::Tensor QSolver::emptyCodes() const {
    return at::empty({codec_.codeBytes(shape_)}, at::kByte);
}

torch::Tensor QSolver::padded(const torch::Tensor& x) const {
    if (shape_ == paddedShape_) {
        return x;
    }
    return at::constant_pad_nd(
        x, {0, paddedShape_.columns - shape_.columns, 0, paddedShape_.rows - shape_.rows});
}

torch::Tensor QSolver::paddedSquare(const torch::Tensor& x, double diagonal) const {
    const int64_t extra = paddedShape_.columns - shape_.columns;
    return extra == 0 ? x : at::block_diag({x, at::eye(extra, x.options()) * diagonal});
}

torch::Tensor QSolver::groupScale(const torch::Tensor& target) const {
    const int64_t groups = paddedShape_.rows / kRowGroup;
    // Padding is not part of the mean.
    torch::Tensor rowCount = at::full({groups, 1}, kRowGroup, target.options());
    rowCount[groups - 1] = static_cast<double>(shape_.rows - (groups - 1) * kRowGroup);
    const torch::Tensor energy =
        target.square().sum(1).view({groups, kRowGroup}).sum(1, true); // [groups, 1]
    const torch::Tensor rms =
        (energy / (rowCount * static_cast<double>(shape_.columns))).sqrt() / codec_.inputRms();
    const torch::Tensor scale = roundToHalf(rms);
    if (!at::isfinite(scale).all().item<bool>() || ((scale == 0) & (rms > 0)).any().item<bool>()) {
        throw Error("decompose.range",
                    "The weights of a 16-row group are outside what an fp16 scale can hold "
                    "(root mean square 6e-8 to 65504). Rescale the matrix.");
    }
    return scale.repeat_interleave(kRowGroup, 0); // [paddedRows, 1]
}

torch::Tensor QSolver::encodeColumns(const torch::Tensor& x, int64_t block,
                                     const torch::Tensor& codes) const {
    const std::span<std::byte> bytes = bytesOf(codes);
    const torch::Tensor input = x.contiguous(); // [paddedRows, V]
    torch::Tensor decoded = at::empty_like(input);
    const int64_t width = codec_.blockColumns();
    const int64_t rows = input.size(0);
    const auto* in = input.data_ptr<float>();
    auto* out = decoded.data_ptr<float>();
    const int64_t tasks = (rows + kRowsPerTask - 1) / kRowsPerTask;
    at::parallel_for(0, tasks, 1, [&](int64_t begin, int64_t end) {
        const int64_t first = begin * kRowsPerTask;
        const int64_t last = std::min(end * kRowsPerTask, rows);
        const auto size = static_cast<size_t>((last - first) * width);
        codec_.encodeBlock({in + first * width, size}, shape_, {block, first}, bytes,
                           {out + first * width, size});
    });
    return decoded;
}

/// One panel of LDLQ on the CPU. target, corrected [rows, panel]: A, and A plus the feedback of the
/// panels behind; factor [panel, panel] unit block lower. Returns the decoded values.
torch::Tensor QSolver::feedbackPanel(const torch::Tensor& target, torch::Tensor corrected,
                                     const torch::Tensor& factor, const torch::Tensor& scale,
                                     const PanelCodes& codes) const {
    const int64_t width = codec_.blockColumns();
    const torch::Tensor inverse = inverseScale(scale);
    torch::Tensor values = at::empty_like(target);
    for (int64_t k = target.size(1) / width - 1; k >= 0; --k) {
        checkCancelled(stop_);
        const int64_t column = k * width;
        const torch::Tensor decoded = encodeColumns(corrected.narrow(1, column, width) * inverse,
                                                    codes.firstBlock + k, codes.codes);
        values.narrow(1, column, width).copy_(decoded);
        if (k > 0) {
            const torch::Tensor error = target.narrow(1, column, width) - decoded * scale;
            corrected.narrow(1, 0, column)
                .addmm_(error, factor.narrow(0, column, width).narrow(1, 0, column));
        }
    }
    return values;
}

QuantizedWeight QSolver::encode(const torch::Tensor& target, const torch::Tensor& cholesky) const {
    const torch::Tensor factor =
        cholesky.defined() ? paddedSquare(cholesky, std::sqrt(kPaddingDiagonal)) : cholesky_;
    const int64_t width = codec_.blockColumns();
    const torch::Tensor a = padded(target);
    QuantizedWeight q{at::empty_like(a), groupScale(a), emptyCodes()};
    const torch::Tensor scale = q.scale.to(at::kCPU);
    torch::Tensor error = at::zeros_like(a);
    for (const Panel& panel : panelsBackwards(paddedShape_.columns)) {
        // Dividing each diagonal block out of the Cholesky factor gives the unit block lower factor
        // of the block LDL decomposition.
        const torch::Tensor square =
            factor.narrow(0, panel.first, panel.count).narrow(1, panel.first, panel.count);
        const torch::Tensor blocks = diagonalBlocks(square, width);
        const torch::Tensor inverses = at::linalg_solve_triangular(
            blocks, at::eye(width, blocks.options()).expand_as(blocks), false);
        const torch::Tensor unitScale = at::block_diag(inverses.unbind(0)); // [panel, panel]
        const torch::Tensor own = a.narrow(1, panel.first, panel.count);
        torch::Tensor corrected = own.clone();
        const int64_t behind = paddedShape_.columns - panel.end();
        if (behind > 0) {
            const torch::Tensor feedback =
                at::mm(error.narrow(1, panel.end(), behind),
                       factor.narrow(0, panel.end(), behind).narrow(1, panel.first, panel.count));
            corrected.addmm_(feedback, unitScale);
        }
        const torch::Tensor values = feedbackPanel(own.to(at::kCPU), corrected.to(at::kCPU),
                                                   at::mm(square, unitScale).to(at::kCPU), scale,
                                                   {q.codes, panel.first / width})
                                         .to(a.device());
        q.values.narrow(1, panel.first, panel.count).copy_(values);
        error.narrow(1, panel.first, panel.count).copy_(own - values * q.scale);
    }
    return q;
}

QuantizedWeight QSolver::nearest(const torch::Tensor& target) const {
    const int64_t width = codec_.blockColumns();
    const torch::Tensor a = padded(target);
    const torch::Tensor scale = groupScale(a);
    const torch::Tensor x = (a * inverseScale(scale)).to(at::kCPU);
    torch::Tensor values = at::empty_like(x);
    const torch::Tensor codes = emptyCodes();
    for (int64_t block = 0; block < paddedShape_.columns / width; ++block) {
        checkCancelled(stop_);
        const int64_t column = block * width;
        values.narrow(1, column, width)
            .copy_(encodeColumns(x.narrow(1, column, width), block, codes));
    }
    return {values.to(a.device()), scale, codes};
}

/// Copies the codes of one column block from `scratch` where they were accepted. accepted
/// [paddedRows / blockRows] bool.
void QSolver::takeCodes(const PanelCodes& panel, int64_t block,
                        const torch::Tensor& accepted) const {
    const std::span<const std::byte> source = bytesOf(panel.scratch);
    const std::span<std::byte> codes = bytesOf(panel.codes);
    const auto bytes = static_cast<size_t>(codec_.blockBytes());
    const bool* taken = accepted.data_ptr<bool>();
    for (int64_t i = 0; i < accepted.size(0); ++i) {
        if (taken[i]) {
            const auto offset = static_cast<size_t>(
                codec_.blockOffset(shape_, {panel.firstBlock + block, i * codec_.blockRows()}));
            std::memcpy(codes.data() + offset, source.data() + offset, bytes);
        }
    }
}

/// One panel of coordinate descent on the CPU. gradient [rows, panel]: (A - Q) H of the panel's
/// columns; hessian [panel, panel]. Returns the decoded values.
torch::Tensor QSolver::descendPanel(const torch::Tensor& values, torch::Tensor gradient,
                                    const torch::Tensor& hessian, const torch::Tensor& scale,
                                    const PanelCodes& codes) const {
    const int64_t width = codec_.blockColumns();
    const torch::Tensor inverse = inverseScale(scale);
    const torch::Tensor inverses = at::linalg_inv(diagonalBlocks(hessian, width));
    torch::Tensor result = values.clone();
    for (int64_t k = values.size(1) / width - 1; k >= 0; --k) {
        checkCancelled(stop_);
        const int64_t column = k * width;
        torch::Tensor current = result.narrow(1, column, width);
        const torch::Tensor slope = gradient.narrow(1, column, width);
        const torch::Tensor rows = hessian.narrow(0, column, width); // [V, panel]
        const torch::Tensor optimum = current * scale + at::mm(slope, inverses[k]);
        const torch::Tensor decoded =
            encodeColumns(optimum * inverse, codes.firstBlock + k, codes.scratch);
        const torch::Tensor step = (decoded - current) * scale;
        const torch::Tensor change =
            (step * (at::mm(step, rows.narrow(1, column, width)) - slope * 2)).sum(1);
        const torch::Tensor better = change.view({-1, codec_.blockRows()}).sum(1) < 0;
        takeCodes(codes, k, better);
        const torch::Tensor accepted =
            better.to(at::kFloat).repeat_interleave(codec_.blockRows(), 0).unsqueeze(1);
        current.add_((decoded - current) * accepted);
        gradient.addmm_(step * accepted, rows, 1, -1);
    }
    return result;
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
    const int64_t width = codec_.blockColumns();
    const torch::Tensor a = padded(target);
    refitScale(a, q);
    const torch::Tensor scale = q.scale.to(at::kCPU);
    torch::Tensor error = a - q.values * q.scale;
    const torch::Tensor scratch = emptyCodes();
    for (const Panel& panel : panelsBackwards(paddedShape_.columns)) {
        const torch::Tensor columns = hessian_.narrow(1, panel.first, panel.count);
        torch::Tensor own = q.values.narrow(1, panel.first, panel.count);
        const torch::Tensor values =
            descendPanel(own.to(at::kCPU), at::mm(error, columns).to(at::kCPU),
                         columns.narrow(0, panel.first, panel.count).to(at::kCPU).contiguous(),
                         scale, {q.codes, panel.first / width, scratch});
        own.copy_(values);
        error.narrow(1, panel.first, panel.count)
            .copy_(a.narrow(1, panel.first, panel.count) - own * q.scale);
    }
}

torch::Tensor QSolver::dense(const QuantizedWeight& q) const {
    return (q.values * q.scale).narrow(0, 0, shape_.rows).narrow(1, 0, shape_.columns);
}

std::vector<std::byte> QSolver::pack(const QuantizedWeight& q) {
    const std::span<const std::byte> codes = bytesOf(q.codes);
    return {codes.begin(), codes.end()};
}

} // namespace caldera
