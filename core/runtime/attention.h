// Causal grouped-query attention over the cache.
#pragma once

#include <cstdint>
#include <vector>

#include "core/runtime/kv_cache.h"
#include "core/runtime/thread_pool.h"

namespace caldera {

/// Softmax(q K^T / sqrt(headSize)) V for a few tokens in a row.
class Attention {
public:
    Attention(const ModelConfig& config, ThreadPool& pool);

    /// queries and output: [tokens, headCount, headSize]. Token t stands at position first + t and
    /// sees itself and everything before; its keys and values are already in the cache.
    void apply(KvCache& cache, int layer, int first, int64_t tokens, const float* queries,
               float* output);

private:
    struct Part {
        int layer = 0;
        int first = 0; ///< position of token 0
        int64_t firstToken = 0;
        int64_t tokens = 0;
        int head = 0;
        const float* queries = nullptr;
        float* output = nullptr;
    };
    void applyHead(KvCache& cache, const Part& part, std::vector<float>& scores) const;

    int headCount_;
    int headSize_;
    int sharing_; ///< query heads that share one key head
    ThreadPool& pool_;
    std::vector<std::vector<float>> scores_; ///< by thread, [tokens of a part, positions]
};

} // namespace caldera
