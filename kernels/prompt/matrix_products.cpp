#include "kernels/prompt/matrix_products.h"

#include <string>

#include <cublas_v2.h>

namespace caldera::kernels::cuda {
namespace {

void require(cublasStatus_t status, const char* doing) {
    if (status != CUBLAS_STATUS_SUCCESS) {
        throw KernelError(std::string(doing) +
                          " failed on the GPU (cuBLAS: " + cublasGetStatusString(status) + ").");
    }
}

} // namespace

void MatrixProducts::Destroy::operator()(cublasContext* handle) const {
    cublasDestroy(handle);
}

MatrixProducts::MatrixProducts(CudaStream stream) : workspace_(kCublasBytes) {
    const char* doing = "Preparing products of matrices";
    cublasHandle_t handle = nullptr;
    require(cublasCreate(&handle), doing);
    handle_.reset(handle);
    require(cublasSetStream(handle, stream), doing); // takes the workspace away
    require(cublasSetWorkspace(handle, workspace_.data(), workspace_.size()), doing);
    require(cublasSetAtomicsMode(handle, CUBLAS_ATOMICS_NOT_ALLOWED), doing);
}

void MatrixProducts::multiply(const MatrixProduct& product) const {
    // cuBLAS counts columns first: its matrices are ours transposed, and y' = w x'.
    const MatrixRows& w = product.w;
    const MatrixRows& x = product.x;
    const cudaDataType type = product.isFloat ? CUDA_R_32F : CUDA_R_16F;
    const float zero = 0;
    require(cublasGemmStridedBatchedEx(
                handle_.get(), product.isTransposed ? CUBLAS_OP_N : CUBLAS_OP_T, CUBLAS_OP_N,
                w.rows, x.rows, product.depth, &product.factor, w.values, type, w.stride,
                w.batchStride, x.values, type, x.stride, x.batchStride, &zero, product.y,
                CUDA_R_32F, product.stride, product.batchStride, product.batch,
                product.isFloat ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F,
                CUBLAS_GEMM_DEFAULT),
            "A product of matrices");
}

} // namespace caldera::kernels::cuda
