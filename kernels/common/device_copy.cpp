#include "kernels/common/device_copy.h"

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include <cuda_runtime.h>

#include "kernels/common/kernel_error.h"

namespace caldera::kernels {
namespace {

void require(cudaError_t status) {
    if (status != cudaSuccess) {
        cudaGetLastError(); // looked at: later calls start clean
        throw KernelError(std::string("A table could not be copied to the GPU (") +
                          cudaGetErrorString(status) + ").");
    }
}

} // namespace

const void* deviceCopy(const void* data, size_t bytes) {
    static std::mutex mutex;
    static std::map<std::pair<int, const void*>, void*> copies;
    int device = 0;
    require(cudaGetDevice(&device));
    const std::lock_guard lock(mutex);
    void*& copy = copies[{device, data}];
    if (copy == nullptr) {
        void* memory = nullptr;
        require(cudaMalloc(&memory, bytes));
        cudaError_t status = cudaMemcpy(memory, data, bytes, cudaMemcpyHostToDevice);
        if (status == cudaSuccess) {
            status = cudaDeviceSynchronize(); // the copy may still be under way
        }
        if (status != cudaSuccess) {
            cudaFree(memory);
        }
        require(status);
        copy = memory;
    }
    return copy;
}

} // namespace caldera::kernels
