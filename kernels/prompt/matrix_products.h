// Products of matrices in the GPU's memory, by cuBLAS; only in builds with CUDA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/common/cuda_stream.h"
#include "kernels/common/device_memory.h"

struct cublasContext;

namespace caldera::kernels::cuda {

/// What cuBLAS splits sums over; its own would be shared with others.
inline constexpr size_t kCublasBytes = 32 << 20;

/// Rows one behind another, of fp16 or f32.
struct MatrixRows {
    const void* values = nullptr;
    int rows = 0;
    int stride = 0;          ///< values from one row to the next
    int64_t batchStride = 0; ///< values from one matrix of a batch to the next; 0: all the same
};

/// y[i][j] = factor * sum over c of x[i][c] w[j][c], accumulated in f32.
struct MatrixProduct {
    MatrixRows x;
    MatrixRows w;
    int depth = 0; ///< values of a row that count
    float* y = nullptr;
    int stride = 0;          ///< of y
    int64_t batchStride = 0; ///< of y
    int batch = 1;           ///< matrices
    float factor = 1;
    bool isTransposed = false; ///< w lies as [depth, rows], each of its strides between those
    bool isFloat = false;      ///< x and w are f32, of which TF32's bits count; else fp16
};

class MatrixProducts {
public:
    /// All work is put on `stream`, which lives longer. Throws KernelError.
    explicit MatrixProducts(CudaStream stream);

    /// The same bits every time. Throws KernelError.
    void multiply(const MatrixProduct& product) const;

private:
    struct Destroy {
        void operator()(cublasContext* handle) const;
    };
    DeviceMemory<uint8_t> workspace_;
    std::unique_ptr<cublasContext, Destroy> handle_;
};

} // namespace caldera::kernels::cuda
