// Shared by the CUDA launchers.
#pragma once

#include <string>

#include <cuda_runtime.h>

#include "kernels/common/kernel_error.h"

namespace caldera::kernels {

/// Throws KernelError when the launch just made was refused.
inline void checkLaunch(const char* operation) {
    const cudaError_t status = cudaGetLastError();
    if (status != cudaSuccess) {
        throw KernelError(std::string(operation) + ": the GPU refused the launch (" +
                          cudaGetErrorString(status) + ").");
    }
}

/// The sum over lanes that differ in the bits of [from, 32), in every lane.
__device__ inline float sumLanes(float value, int from) {
    for (int distance = 16; distance >= from; distance /= 2) {
        value += __shfl_xor_sync(0xFFFFFFFFU, value, distance);
    }
    return value;
}

} // namespace caldera::kernels
