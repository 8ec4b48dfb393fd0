// Launches captured as a graph, replayed and timed. Only in builds with CUDA.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/common/cuda_handles.h"

namespace caldera::kernels::cuda {

/// What `launch` puts on the stream, as a graph; it only runs when it is replayed. Throws
/// KernelError, and what `launch` throws.
template <class Launch>
CudaGraphHandle captureGraph(cudaStream_t stream, const char* doing, const Launch& launch) {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t replay = nullptr;
    require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), doing);
    try {
        launch();
    } catch (...) {
        cudaStreamEndCapture(stream, &graph);
        cudaGraphDestroy(graph);
        throw;
    }
    require(cudaStreamEndCapture(stream, &graph), doing);
    const cudaError_t status = cudaGraphInstantiate(&replay, graph, 0);
    cudaGraphDestroy(graph);
    require(status, doing);
    return CudaGraphHandle(replay);
}

/// Seconds on the GPU of what `launch` puts on the stream: the median of so many times. Throws
/// KernelError.
template <class Launch>
double medianSeconds(cudaStream_t stream, int times, const char* doing, const Launch& launch) {
    const CudaEventHandle begin = makeCudaEvent(doing, true);
    const CudaEventHandle end = makeCudaEvent(doing, true);
    std::vector<float> milliseconds(static_cast<size_t>(times));
    for (float& each : milliseconds) {
        require(cudaEventRecord(begin.get(), stream), doing);
        launch();
        require(cudaEventRecord(end.get(), stream), doing);
        require(cudaEventSynchronize(end.get()), doing);
        require(cudaEventElapsedTime(&each, begin.get(), end.get()), doing);
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    return 1e-3 * milliseconds[milliseconds.size() / 2];
}

} // namespace caldera::kernels::cuda
