// The Q step: encodes a matrix so that its error is small in the metric of the Hessian.
#pragma once

#include <memory>
#include <stop_token>

#include <torch/types.h>

#include "core/codec/codec.h"
#include "core/decompose/panel_encoder.h"

namespace caldera {

/// Scales by which rows are divided: fitted for each group of 16, or 1 because what comes is
/// already divided.
enum class RowScale { Fitted, One };

/// Encodes in panels of columns: everything that costs m n^2 is a product on the device of the
/// Hessian; a PanelEncoder does the sequential part.
class QSolver {
public:
    /// hessian and cholesky [columns, columns]; the codec outlives the solver.
    QSolver(const Codec& codec, MatrixShape shape, const torch::Tensor& hessian,
            const torch::Tensor& cholesky, std::stop_token stop,
            RowScale rowScale = RowScale::Fitted);

    /// LDLQ: columns from last to first, each block of the codec's columns corrected by the errors
    /// of the blocks behind it. target [rows, columns]. `cholesky` replaces the factor that the
    /// solver was made with (a downdated Hessian's). Throws Error("decompose.range") when a scale
    /// does not fit fp16, Cancelled.
    QuantizedWeight encode(const torch::Tensor& target, const torch::Tensor& cholesky = {}) const;

    /// Each value to its nearest codeword, without feedback. Throws as encode does.
    QuantizedWeight nearest(const torch::Tensor& target) const;

    /// Least-squares scales, then one sweep of coordinate descent: each block of the codec is
    /// encoded again at the optimum given everything else, and kept when that lowers the error.
    /// Never makes the error larger (up to rounding).
    void improve(const torch::Tensor& target, QuantizedWeight& q) const;

    /// Scaled and cut to [rows, columns].
    torch::Tensor dense(const QuantizedWeight& q) const;
    /// Codes of the whole matrix in kernel order.
    static std::vector<std::byte> pack(const QuantizedWeight& q);

private:
    torch::Tensor blocksOf(const torch::Tensor& all, const Panel& panel) const;
    torch::Tensor padded(const torch::Tensor& x) const;
    torch::Tensor paddedSquare(const torch::Tensor& x, double diagonal) const;
    torch::Tensor groupScale(const torch::Tensor& target) const;
    void refitScale(const torch::Tensor& target, QuantizedWeight& q) const;
    const Codec& codec_;
    MatrixShape shape_;
    MatrixShape paddedShape_;
    torch::Tensor hessian_;
    torch::Tensor cholesky_;
    std::stop_token stop_;
    RowScale rowScale_;
    std::unique_ptr<const PanelEncoder> encoder_;
    // Of the Hessian's diagonal blocks, made when needed.
    mutable torch::Tensor inverses_;
    mutable torch::Tensor blockFactors_; ///< for codecs that use the metric
};

} // namespace caldera
