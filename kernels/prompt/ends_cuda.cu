// Where a prompt begins and ends: embeddings, and the logits of its last token.
#include "kernels/prompt/prompt_cuda.h"

#include "kernels/prompt/threads.cuh"
#include "kernels/step/stored.cuh"

namespace caldera::kernels::cuda {
namespace {

using namespace prompt;

/// A thread block has a token.
__global__ void embedKernel(const __grid_constant__ EmbedPhase table, const int32_t* tokens) {
    float* hidden = table.hidden + static_cast<int64_t>(blockIdx.x) * table.columns;
    const int64_t row = tokens[blockIdx.x];
    const float scale = tableScale(table, row);
    for (int i = static_cast<int>(threadIdx.x); i < table.columns; i += kThreads) {
        hidden[i] = tableValue(table, row, i) * scale;
    }
}

__global__ void normKernel(const float* x, const float* norm, int size, float epsilon,
                           float* normed) {
    const float inverse = inverseRms(x, size, epsilon);
    for (int i = static_cast<int>(threadIdx.x); i < size; i += kThreads) {
        normed[i] = x[i] * inverse * norm[i];
    }
}

/// A warp has a row.
__global__ void headKernel(const __grid_constant__ EmbedPhase table, int rows,
                           const float* rowScale, const float* x, float* logits) {
    const int64_t row = static_cast<int64_t>(blockIdx.x) * kWarps + warpIndex();
    if (row >= rows) {
        return; // whole warps
    }
    float sum = 0;
    for (int i = laneIndex(); i < table.columns; i += kWarpLanes) {
        sum = fmaf(tableValue(table, row, i), x[i], sum);
    }
    sum = sumLanes(sum, 1);
    if (laneIndex() == 0) {
        logits[row] = rowScale != nullptr ? sum * rowScale[row] : sum;
    }
}

} // namespace

void promptEmbed(const EmbedPhase& table, const int32_t* tokens, int count, CudaStream stream) {
    embedKernel<<<static_cast<unsigned>(count), kThreads, 0, stream>>>(table, tokens);
    checkLaunch("prompt embedding");
}

void promptNorm(const float* x, const float* norm, int size, float epsilon, float* normed,
                CudaStream stream) {
    normKernel<<<1, kThreads, 0, stream>>>(x, norm, size, epsilon, normed);
    checkLaunch("prompt norm");
}

void promptLogits(const StepLinear& head, const float* x, int columns, float* logits,
                  CudaStream stream) {
    EmbedPhase table;
    table.storage = head.storage;
    table.columns = columns;
    table.rows = head.codes;
    table.scale = head.tableScale;
    const int64_t threads = static_cast<int64_t>(head.rows) * kWarpLanes;
    headKernel<<<gridFor(threads), kThreads, 0, stream>>>(table, head.rows, head.rowScale, x,
                                                          logits);
    checkLaunch("prompt head");
}

} // namespace caldera::kernels::cuda
