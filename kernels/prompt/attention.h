// Attention of many tokens of one sequence over the paged cache, by products of cuBLAS. Only in
// builds with CUDA.
#pragma once

#include <cstdint>

#include "kernels/prompt/matrix_products.h"
#include "kernels/prompt/prompt_cuda.h"

namespace caldera::kernels::cuda {

/// Of the scores of one key head's queries; more queries take turns.
inline constexpr int64_t kPromptScoreBytes = 64 << 20;

/// Heads as in AttendPhase.
struct PromptHeads {
    int heads = 0;
    int kvHeads = 0;
    int headSize = 0; ///< a multiple of 8, at most 256
};

/// Bytes that PromptAttention works in: tokens at once, over `context` tokens.
int64_t promptAttentionBytes(const PromptHeads& shape, int tokens, int context);

class PromptAttention {
public:
    /// `memory`: `bytes` bytes, at least promptAttentionBytes(); like `products` it lives longer
    /// and works on the same stream.
    PromptAttention(const MatrixProducts& products, CudaStream stream, uint8_t* memory,
                    int64_t bytes);

    /// The chunk's keys and values go into the cache, and each of its queries sees everything up to
    /// its own token: output [tokens, heads, headSize], which may be the memory of phase.queries.
    /// In `phase` tokens take the place of sequences. Throws KernelError.
    void run(const AttendPhase& phase, const PromptChunk& chunk, float* output) const;

private:
    struct Work {                    ///< of one key head
        uint16_t* queries = nullptr; ///< fp16 [tokens, heads, headSize]
        PromptContext context;
        float* scores = nullptr; ///< f32 [query heads, queries, padded]
        int64_t scoreCount = 0;
    };
    void attendHead(const AttendPhase& phase, const PromptChunk& chunk, const Work& work,
                    float* output) const;
    void attendQueries(const AttendPhase& phase, const Work& work, PromptScores scores, int first,
                       float* output) const;

    const MatrixProducts& products_;
    CudaStream stream_;
    uint8_t* memory_;
    int64_t bytes_;
};

} // namespace caldera::kernels::cuda
