// A CUDA stream in headers that must compile without CUDA.
#pragma once

struct CUstream_st;

namespace caldera::kernels {

/// The same type as cudaStream_t; nullptr is the default stream.
using CudaStream = CUstream_st*;

} // namespace caldera::kernels
