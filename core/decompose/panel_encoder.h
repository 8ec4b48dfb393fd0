// The sequential part of the Q step: the blocks of one panel of columns, one after another, on the
// processor or in one launch on a GPU.
#pragma once

#include <memory>
#include <stop_token>

#include <torch/types.h>

#include "core/codec/codec.h"

namespace caldera {

/// Columns of a panel at most.
inline constexpr int64_t kPanelColumns = 128;

/// Q while it is being made. Padding included; on the device of the Hessian.
struct QuantizedWeight {
    torch::Tensor values; ///< [paddedRows, paddedColumns] decoded, before scaling
    torch::Tensor scale;  ///< [paddedRows, 1], exact in fp16, equal inside a 16-row group
    /// [codec.codeBytes(shape)] U8, where the encoder works: what decodes to `values`.
    torch::Tensor codes;

    /// A copy that later steps do not change.
    QuantizedWeight clone() const { return {values.clone(), scale.clone(), codes.clone()}; }
};

/// Columns [first, first + count) of a matrix.
struct Panel {
    int64_t first = 0;
    int64_t count = 0;
    int64_t end() const { return first + count; }
};

/// What a panel's blocks are encoded from. V is the codec's width. Rows include padding.
struct PanelStep {
    Panel panel;
    torch::Tensor target; ///< [rows, count]
    /// Feedback: the target plus the feedback of the panels behind. Descent: (A - Q) H of the
    /// panel's columns. [rows, count], its own memory: a step may write to it.
    torch::Tensor steering;
    /// Feedback: the unit block lower factor. Descent: the Hessian. [count, count]
    torch::Tensor coefficients;
    torch::Tensor inverses; ///< descent: of the Hessian's diagonal blocks [count / V, V, V]
    /// For codecs that use it: lower Cholesky factors of what the blocks' own errors are weighed
    /// with [count / V, V, V].
    torch::Tensor blockFactors{};
};

/// Tensors lie on the device that the encoder was made for. The panel's values and codes go to `q`;
/// error [rows, columns] gets target - values * scale in the panel's columns.
class PanelEncoder {
public:
    virtual ~PanelEncoder() = default;

    /// Room for the codes of a whole matrix.
    virtual torch::Tensor emptyCodes() const = 0;
    /// LDLQ: blocks from the last to the first, each corrected by the errors of those behind it.
    virtual void feedback(const PanelStep& step, QuantizedWeight& q,
                          torch::Tensor& error) const = 0;
    /// Coordinate descent: each block is encoded again at the optimum given everything else, and
    /// kept where that lowers the error.
    virtual void descend(const PanelStep& step, QuantizedWeight& q, torch::Tensor& error) const = 0;
    /// Each value of x [rows, columns] to its nearest codeword; q.scale is not looked at.
    virtual void nearest(const torch::Tensor& x, QuantizedWeight& q) const = 0;
};

/// On the processor, whatever the device of the tensors is. The codec outlives the encoder.
std::unique_ptr<PanelEncoder> makeHostPanelEncoder(const Codec& codec, MatrixShape shape,
                                                   std::stop_token stop);

/// On the GPU `device`; null when this build or the codec has no kernels for it.
std::unique_ptr<PanelEncoder> makeCudaPanelEncoder(const Codec& codec, MatrixShape shape,
                                                   const torch::Device& device);

} // namespace caldera
