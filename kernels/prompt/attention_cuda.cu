// Attention of a prompt beside its products: angles and the cache before them, the softmax between.
#include "kernels/prompt/prompt_cuda.h"

#include <cmath>

#include "kernels/prompt/threads.cuh"
#include "kernels/step/stored.cuh"

namespace caldera::kernels::cuda {
namespace {

using namespace prompt;

constexpr int kLoaded = 8; ///< neighbouring elements that a thread copies

/// The place of a token's vector of one key head in arrays [pages, kvHeads, kPageTokens].
__device__ int64_t placeOf(const AttendPhase& phase, int slot, int kvHead, int position) {
    const int32_t page =
        phase.pages[static_cast<int64_t>(slot) * phase.tableWidth + position / kPageTokens];
    return (static_cast<int64_t>(page) * phase.kvHeads + kvHead) * kPageTokens +
           position % kPageTokens;
}

/// A head turned by its position's angles: element i turns with i + half. By one warp;
/// store(i, value) gets what becomes of each.
template <class Store>
__device__ void turnHead(const AttendPhase& phase, const float* head, int position,
                         const Store& store) {
    const int half = phase.headSize / 2;
    for (int i = laneIndex(); i < half; i += kWarpLanes) {
        const float cosine = phase.cosines[static_cast<int64_t>(position) * half + i];
        const float sine = phase.sines[static_cast<int64_t>(position) * half + i];
        const float low = head[i];
        const float high = head[i + half];
        store(i, low * cosine - high * sine);
        store(i + half, high * cosine + low * sine);
    }
}

/// A warp has a head of a token: of its queries, then keys, then values.
__global__ void placeKernel(const __grid_constant__ AttendPhase phase,
                            const __grid_constant__ PromptChunk chunk, float factor,
                            uint16_t* queries) {
    __shared__ float turned[kWarps][kMostHeadSize];
    const int all = phase.heads + 2 * phase.kvHeads;
    const int unit = static_cast<int>(blockIdx.x) * kWarps + warpIndex();
    const int token = unit / all;
    if (token >= chunk.tokens) {
        return; // whole warps
    }
    const int position = chunk.first + token;
    const int size = phase.headSize;
    const int head = unit % all;
    if (head < phase.heads) {
        const int64_t at = (static_cast<int64_t>(token) * phase.heads + head) * size;
        turnHead(phase, phase.queries + at, position,
                 [&](int i, float value) { queries[at + i] = halfBits(value * factor); });
        return;
    }
    const int kvHead = (head - phase.heads) % phase.kvHeads;
    const int64_t at = (static_cast<int64_t>(token) * phase.kvHeads + kvHead) * size;
    const int64_t place = placeOf(phase, chunk.slot, kvHead, position);
    const StepCache& cache = phase.cache;
    if (head - phase.heads < phase.kvHeads) {
        float* own = turned[warpIndex()];
        turnHead(phase, phase.keys + at, position, [&](int i, float value) { own[i] = value; });
        __syncwarp();
        storeVector(cache, cache.keys, cache.keyScale, place, size, own);
    } else {
        storeVector(cache, cache.values, cache.valueScale, place, size, phase.values + at);
    }
}

/// Eight neighbouring elements of a cached vector, from the first of them on, as fp16.
__device__ uint4 loadHalves(int bits, const void* cached, int64_t first, float scale) {
    if (bits == 16) {
        return *reinterpret_cast<const uint4*>(static_cast<const uint16_t*>(cached) + first);
    }
    const uint2 codes = *reinterpret_cast<const uint2*>(static_cast<const int8_t*>(cached) + first);
    const auto half = [&](uint32_t word, int byte) -> uint32_t {
        return halfBits(static_cast<float>(static_cast<int8_t>(word >> (8 * byte))) * scale);
    };
    return {half(codes.x, 0) | half(codes.x, 1) << 16, half(codes.x, 2) | half(codes.x, 3) << 16,
            half(codes.y, 0) | half(codes.y, 1) << 16, half(codes.y, 2) | half(codes.y, 3) << 16};
}

/// Keys by the first row of thread blocks, values by the second.
__global__ void gatherKernel(const __grid_constant__ AttendPhase phase,
                             const __grid_constant__ PromptContext context) {
    const int size = phase.headSize;
    const int64_t first = kLoaded * (blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x);
    const int token = static_cast<int>(first / size);
    if (token >= context.padded) {
        return;
    }
    const bool isKey = blockIdx.y == 0;
    uint4 halves = {};
    if (token < context.length) {
        const StepCache& cache = phase.cache;
        const int64_t place = placeOf(phase, context.slot, context.kvHead, token);
        const float* scales = isKey ? cache.keyScale : cache.valueScale;
        halves = loadHalves(cache.bits, isKey ? cache.keys : cache.values,
                            place * size + first % size, cache.bits == 8 ? scales[place] : 1);
    }
    *reinterpret_cast<uint4*>((isKey ? context.keys : context.values) + first) = halves;
}

/// A thread block has a row. Its weights are written over scores that all threads have read: the
/// weight of a token takes the place of a score before it.
__global__ void softmaxKernel(const __grid_constant__ PromptScores scores) {
    const int query = static_cast<int>(blockIdx.x);
    const int64_t place = static_cast<int64_t>(blockIdx.y) * scores.queries + query;
    float* row = scores.scores + place * scores.padded;
    const int visible = scores.visible + query;
    float largest = -INFINITY;
    for (int i = static_cast<int>(threadIdx.x); i < visible; i += kThreads) {
        largest = fmaxf(largest, row[i]);
    }
    largest = largestOfThreads(largest);
    float sum = 0;
    for (int i = static_cast<int>(threadIdx.x); i < visible; i += kThreads) {
        sum += __expf(row[i] - largest);
    }
    const float factor = 1 / (kPromptWeightUnit * sumOfThreads(sum));
    auto* weights = reinterpret_cast<uint16_t*>(row);
    for (int first = 0; first < scores.padded; first += kThreads) {
        const int i = first + static_cast<int>(threadIdx.x);
        const float weight = i < visible ? __expf(row[i] - largest) * factor : 0;
        __syncthreads();
        if (i < scores.padded) {
            weights[i] = halfBits(weight);
        }
    }
}

} // namespace

void promptPlace(const AttendPhase& phase, const PromptChunk& chunk, uint16_t* queries,
                 CudaStream stream) {
    const int64_t heads = static_cast<int64_t>(chunk.tokens) * (phase.heads + 2 * phase.kvHeads);
    const float factor = 1 / std::sqrt(static_cast<float>(phase.headSize));
    placeKernel<<<gridFor(heads * kWarpLanes), kThreads, 0, stream>>>(phase, chunk, factor,
                                                                      queries);
    checkLaunch("prompt cache");
}

void promptGather(const AttendPhase& phase, const PromptContext& context, CudaStream stream) {
    const int64_t threads = static_cast<int64_t>(context.padded) * phase.headSize / kLoaded;
    gatherKernel<<<dim3(gridFor(threads), 2), kThreads, 0, stream>>>(phase, context);
    checkLaunch("prompt gather");
}

void promptSoftmax(const PromptScores& scores, CudaStream stream) {
    const dim3 grid(static_cast<unsigned>(scores.queries), static_cast<unsigned>(scores.heads));
    softmaxKernel<<<grid, kThreads, 0, stream>>>(scores);
    checkLaunch("prompt softmax");
}

} // namespace caldera::kernels::cuda
