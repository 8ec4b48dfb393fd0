// What CUDA hands out, freeing itself. Only in builds with CUDA.
#pragma once

#include <cstddef>
#include <memory>

#include "kernels/common/device_memory.h"

namespace caldera::kernels::cuda {

template <auto kFree>
struct CudaFree {
    template <class Handle>
    void operator()(Handle* handle) const {
        kFree(handle);
    }
};

using CudaStreamHandle = std::unique_ptr<CUstream_st, CudaFree<cudaStreamDestroy>>;
using CudaEventHandle = std::unique_ptr<CUevent_st, CudaFree<cudaEventDestroy>>;
using CudaGraphHandle = std::unique_ptr<CUgraphExec_st, CudaFree<cudaGraphExecDestroy>>;
/// Memory of the host that copies to and from the GPU need not wait for.
template <class Value>
using PinnedValues = std::unique_ptr<Value[], CudaFree<cudaFreeHost>>;

/// One that does not wait for the default stream. These throw kernels::KernelError.
inline CudaStreamHandle makeCudaStream(const char* doing) {
    cudaStream_t stream = nullptr;
    require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), doing);
    return CudaStreamHandle(stream);
}

/// Without times where only its order counts.
inline CudaEventHandle makeCudaEvent(const char* doing, bool hasTime) {
    cudaEvent_t event = nullptr;
    require(cudaEventCreateWithFlags(&event, hasTime ? cudaEventDefault : cudaEventDisableTiming),
            doing);
    return CudaEventHandle(event);
}

template <class Value>
PinnedValues<Value> makePinnedValues(size_t count, const char* doing) {
    void* memory = nullptr;
    require(cudaHostAlloc(&memory, count * sizeof(Value), cudaHostAllocDefault), doing);
    return PinnedValues<Value>(static_cast<Value*>(memory));
}

} // namespace caldera::kernels::cuda
