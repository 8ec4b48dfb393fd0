// Memory of a GPU that frees itself; only in builds with CUDA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <cuda_runtime.h>

#include "kernels/common/kernel_error.h"

namespace caldera::kernels::cuda {

/// Throws KernelError("<doing> failed on the GPU (...)") unless the call succeeded.
inline void require(cudaError_t status, const char* doing) {
    if (status != cudaSuccess) {
        cudaGetLastError(); // looked at: later calls start clean
        throw KernelError(std::string(doing) + " failed on the GPU (" + cudaGetErrorString(status) +
                          ").");
    }
}

/// An array on the current device. Throws KernelError when there is no room.
template <class Value>
class DeviceMemory {
public:
    DeviceMemory() = default;
    explicit DeviceMemory(size_t count) : size_(count) {
        if (count > 0) {
            require(cudaMalloc(&data_, count * sizeof(Value)), "Taking memory");
        }
    }
    explicit DeviceMemory(std::span<const Value> host) : DeviceMemory(host.size()) {
        if (!host.empty()) {
            require(cudaMemcpy(data_, host.data(), host.size_bytes(), cudaMemcpyHostToDevice),
                    "Copying to memory");
        }
    }
    ~DeviceMemory() { cudaFree(data_); }
    DeviceMemory(DeviceMemory&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    DeviceMemory& operator=(DeviceMemory&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }

    Value* data() const { return data_; }
    size_t size() const { return size_; }
    size_t bytes() const { return size_ * sizeof(Value); }
    void clear() const { require(cudaMemset(data_, 0, bytes()), "Clearing memory"); }

private:
    Value* data_ = nullptr;
    size_t size_ = 0;
};

/// Bytes that the current device has left. Throws KernelError.
inline int64_t freeDeviceBytes() {
    size_t free = 0;
    size_t total = 0;
    require(cudaMemGetInfo(&free, &total), "Asking for the GPU's memory");
    return static_cast<int64_t>(free);
}

} // namespace caldera::kernels::cuda
