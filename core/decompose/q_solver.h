// The Q step: encodes a matrix so that its error is small in the metric of the Hessian.
#pragma once

#include <memory>
#include <stop_token>

#include <torch/types.h>

#include "core/codec/codec.h"

namespace caldera {

/// Q while it is being made. Padding included; on the device of the Hessian.
struct QuantizedWeight {
    torch::Tensor values; ///< [paddedRows, paddedColumns] decoded, before scaling
    torch::Tensor scale;  ///< [paddedRows, 1], exact in fp16, equal inside a 16-row group
    torch::Tensor codes;  ///< [codec.codeBytes(shape)] U8 on the CPU: what decodes to `values`

    /// A copy that later steps do not change.
    QuantizedWeight clone() const { return {values.clone(), scale.clone(), codes.clone()}; }
};

/// Encodes in panels of 128 columns: everything that costs m n^2 is a product on the device of the
/// Hessian, the sequential part of a panel and the codec run on the CPU.
class QSolver {
public:
    /// hessian and cholesky [columns, columns]; the codec outlives the solver.
    QSolver(const Codec& codec, MatrixShape shape, const torch::Tensor& hessian,
            const torch::Tensor& cholesky, std::stop_token stop);

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
    /// Where the codes of a panel go: the whole matrix's, from column block `firstBlock` on.
    struct PanelCodes {
        torch::Tensor codes;
        int64_t firstBlock = 0;
        torch::Tensor scratch; ///< as large as `codes`: what is encoded and not yet accepted
    };

    torch::Tensor emptyCodes() const;
    torch::Tensor padded(const torch::Tensor& x) const;
    torch::Tensor paddedSquare(const torch::Tensor& x, double diagonal) const;
    torch::Tensor groupScale(const torch::Tensor& target) const;
    void refitScale(const torch::Tensor& target, QuantizedWeight& q) const;
    torch::Tensor encodeColumns(const torch::Tensor& x, int64_t block,
                                const torch::Tensor& codes) const;
    void takeCodes(const PanelCodes& panel, int64_t block, const torch::Tensor& accepted) const;
    torch::Tensor feedbackPanel(const torch::Tensor& target, torch::Tensor corrected,
                                const torch::Tensor& factor, const torch::Tensor& scale,
                                const PanelCodes& codes) const;
    torch::Tensor descendPanel(const torch::Tensor& values, torch::Tensor gradient,
                               const torch::Tensor& hessian, const torch::Tensor& scale,
                               const PanelCodes& codes) const;

    const Codec& codec_;
    MatrixShape shape_;
    MatrixShape paddedShape_;
    torch::Tensor hessian_;
    torch::Tensor cholesky_;
    std::stop_token stop_;
};

} // namespace caldera
