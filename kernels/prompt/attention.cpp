#include "kernels/prompt/attention.h"

#include <algorithm>

namespace caldera::kernels::cuda {
namespace {

/// Whole pages: products then have no odd ends.
int paddedLength(int length) {
    return (length + kPageTokens - 1) / kPageTokens * kPageTokens;
}

/// fp16 numbers of the queries, and of a key head's keys and values.
int64_t halvesOf(const PromptHeads& shape, int tokens, int padded) {
    return static_cast<int64_t>(shape.headSize) *
           (static_cast<int64_t>(tokens) * shape.heads + 2 * static_cast<int64_t>(padded));
}

} // namespace

int64_t promptAttentionBytes(const PromptHeads& shape, int tokens, int context) {
    const int padded = paddedLength(context);
    const int64_t ofQuery =
        static_cast<int64_t>(sizeof(float)) * padded * (shape.heads / shape.kvHeads);
    const int64_t scores = std::max(ofQuery, std::min(kPromptScoreBytes, ofQuery * tokens));
    return static_cast<int64_t>(sizeof(uint16_t)) * halvesOf(shape, tokens, padded) + scores;
}

PromptAttention::PromptAttention(const MatrixProducts& products, CudaStream stream, uint8_t* memory,
                                 int64_t bytes)
    : products_(products), stream_(stream), memory_(memory), bytes_(bytes) {}

void PromptAttention::run(const AttendPhase& phase, const PromptChunk& chunk, float* output) const {
    const PromptHeads shape{phase.heads, phase.kvHeads, phase.headSize};
    const int length = chunk.first + chunk.tokens;
    const int padded = paddedLength(length);
    Work work;
    work.queries = reinterpret_cast<uint16_t*>(memory_);
    work.context.slot = chunk.slot;
    work.context.length = length;
    work.context.padded = padded;
    work.context.keys = work.queries + halvesOf(shape, chunk.tokens, 0);
    work.context.values = work.context.keys + halvesOf(shape, 0, padded) / 2;
    const int64_t used =
        static_cast<int64_t>(sizeof(uint16_t)) * halvesOf(shape, chunk.tokens, padded);
    work.scores = reinterpret_cast<float*>(memory_ + used);
    work.scoreCount =
        std::min(kPromptScoreBytes, bytes_ - used) / static_cast<int64_t>(sizeof(float));
    promptPlace(phase, chunk, work.queries, stream_);
    for (int kvHead = 0; kvHead < phase.kvHeads; ++kvHead) {
        work.context.kvHead = kvHead;
        promptGather(phase, work.context, stream_);
        attendHead(phase, chunk, work, output);
    }
}

void PromptAttention::attendHead(const AttendPhase& phase, const PromptChunk& chunk,
                                 const Work& work, float* output) const {
    const int sharing = phase.heads / phase.kvHeads;
    const int64_t room = work.scoreCount / (static_cast<int64_t>(sharing) * work.context.padded);
    const int atOnce = static_cast<int>(std::clamp<int64_t>(room, 1, chunk.tokens));
    for (int first = 0; first < chunk.tokens; first += atOnce) {
        PromptScores scores;
        scores.scores = work.scores;
        scores.heads = sharing;
        scores.queries = std::min(atOnce, chunk.tokens - first);
        scores.visible = chunk.first + first + 1;
        scores.padded = paddedLength(chunk.first + first + scores.queries);
        attendQueries(phase, work, scores, first, output);
    }
}

void PromptAttention::attendQueries(const AttendPhase& phase, const Work& work, PromptScores scores,
                                    int first, float* output) const {
    const int size = phase.headSize;
    const int stride = phase.heads * size; // from one token to the next
    const int64_t at = static_cast<int64_t>(first) * stride +
                       static_cast<int64_t>(work.context.kvHead) * scores.heads * size;
    const int64_t ofHead = static_cast<int64_t>(scores.queries) * scores.padded;
    MatrixProduct product;
    product.batch = scores.heads;
    product.x = {work.queries + at, scores.queries, stride, size};
    product.w = {work.context.keys, scores.padded, size};
    product.depth = size;
    product.y = scores.scores;
    product.stride = scores.padded;
    product.batchStride = ofHead;
    products_.multiply(product);

    promptSoftmax(scores, stream_);

    // A row of weights takes the first half of its scores.
    product.x = {scores.scores, scores.queries, 2 * scores.padded, 2 * ofHead};
    product.w = {work.context.values, size, size};
    product.isTransposed = true;
    product.depth = scores.padded;
    product.y = output + at;
    product.stride = stride;
    product.batchStride = size;
    product.factor = kPromptWeightUnit;
    products_.multiply(product);
}

} // namespace caldera::kernels::cuda
