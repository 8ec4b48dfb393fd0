// Activations on a GPU; only in builds with CUDA. All pointers are device memory; 16-bit vectors
// are IEEE fp16.
#pragma once

#include "kernels/activation/activation.h"
#include "kernels/common/cuda_stream.h"

namespace caldera::kernels::cuda {

/// As reference::quantizeInput, code for code, from fp16. Throws KernelError.
void quantizeInput(const uint16_t* x, const uint16_t* sign, Rotation rotation,
                   const QuantizedVectorOut& out, CudaStream stream);

/// Sums of products that thread blocks left apart.
struct PartialProducts {
    const float* values = nullptr; ///< [splits, rows], without the scales of Q
    int64_t splits = 0;
    int64_t rows = 0;             ///< padded to 16
    const float* scale = nullptr; ///< [rows / 16] of Q's groups
    float step = 0;               ///< of Q's table: Q = (entry + 1/2) step
};

/// Adds up the splits in order and the half steps of the table (`input` tells what they come to),
/// scales, and rotates: y = sign * Hadamard(product) + bias, fp16 [size]. bias may be null. Throws
/// KernelError.
void rotateOutput(const PartialProducts& product, const QuantizedVector& input,
                  const uint16_t* sign, const uint16_t* bias, Rotation rotation, uint16_t* y,
                  CudaStream stream);

} // namespace caldera::kernels::cuda
