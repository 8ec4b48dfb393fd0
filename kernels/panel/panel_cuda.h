// The sequential part of LDLQ and of coordinate descent on a GPU: one launch takes a panel of
// columns through all of its blocks. The rows of a group need nothing of other groups, so each
// group has a thread block. Only in builds with CUDA.
#pragma once

#include <cstdint>

#include "kernels/common/cuda_stream.h"
#include "kernels/trellis/trellis.h"

namespace caldera::kernels::cuda {

inline constexpr int kPanelColumns = 128; ///< at most

/// Device memory, rows a multiple of 16, width a multiple of the codec's columns V.
struct PanelTask {
    int64_t rows = 0;
    int64_t width = 0;
    const float* target = nullptr; ///< [rows, width], rows at targetStride
    int64_t targetStride = 0;
    /// LDLQ: the target plus the feedback of the panels behind. Descent: (A - Q) H of the panel's
    /// columns. [rows, width], dense.
    const float* steering = nullptr;
    /// LDLQ: the unit block lower factor. Descent: the Hessian. [width, width], dense.
    const float* coefficients = nullptr;
    /// Descent only: inverses of the Hessian's diagonal blocks [width / V, V, V].
    const float* inverses = nullptr;
    const float* scale = nullptr; ///< [rows], equal inside a group
    float* values = nullptr;      ///< [rows, width] decoded, before scaling; read by descent
    int64_t valuesStride = 0;
    float* error = nullptr; ///< [rows, width]: target - values * scale, out
    int64_t errorStride = 0;
    uint8_t* codes = nullptr; ///< of the whole matrix, groups along the columns
    int64_t firstBlock = 0;   ///< of the panel in the matrix
    int64_t blocks = 0;       ///< of a row of groups
};

/// LDLQ over a panel: blocks from the last to the first, each corrected by the errors of the blocks
/// behind it. Deterministic. Throws KernelError.
void trellisFeedback(const TrellisCode& code, const PanelTask& task, CudaStream stream);
void e8pFeedback(const PanelTask& task, CudaStream stream);

/// Coordinate descent over a panel: each block is encoded at its optimum given everything else, and
/// kept where that lowers the error (rows alone for E8P, groups for the trellis). Deterministic.
/// Throws KernelError.
void trellisDescent(const TrellisCode& code, const PanelTask& task, CudaStream stream);
void e8pDescent(const PanelTask& task, CudaStream stream);

} // namespace caldera::kernels::cuda
