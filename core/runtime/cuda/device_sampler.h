// Chooses tokens from logits that stay in the memory of a GPU.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/runtime/backend.h"
#include "kernels/common/cuda_handles.h"
#include "kernels/sample/sample_cuda.h"

namespace caldera {

class DeviceSampler {
public:
    /// For `rows` rows at once, more take turns, of up to `vocabulary` tokens, of which a row has
    /// seen up to `mostSeen`. Throws kernels::KernelError.
    DeviceSampler(int rows, int vocabulary, int mostSeen);

    /// The tokens after rows of logits [choices, stride], which a penalty changes. Waits for them;
    /// valid until the next call. Throws kernels::KernelError.
    std::span<const Token> choose(std::span<const TokenChoice> choices, float* logits,
                                  int64_t stride, int vocabulary);

private:
    void chooseSome(std::span<const TokenChoice> choices, float* logits, int64_t stride,
                    int vocabulary);

    size_t rows_;
    kernels::cuda::CudaStreamHandle stream_;
    kernels::cuda::PinnedValues<kernels::cuda::SampleRow> pinnedRows_;
    kernels::cuda::PinnedValues<Token> pinnedSeen_;
    kernels::cuda::PinnedValues<Token> pinnedTokens_;
    kernels::cuda::DeviceMemory<kernels::cuda::SampleRow> deviceRows_;
    kernels::cuda::DeviceMemory<Token> seen_;          ///< [rows, mostSeen]
    kernels::cuda::DeviceMemory<int32_t> weights_;     ///< [rows, vocabulary]
    kernels::cuda::DeviceMemory<uint64_t> candidates_; ///< likewise
    kernels::cuda::DeviceMemory<Token> tokens_;
    std::vector<Token> chosen_;
};

} // namespace caldera
