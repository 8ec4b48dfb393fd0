// From values to inputs of products and from products back to values.
#include "kernels/prompt/prompt_cuda.h"

#include "kernels/hadamard/warp_hadamard.cuh"
#include "kernels/prompt/threads.cuh"

namespace caldera::kernels::cuda {
namespace {

using namespace prompt;

/// Neighbouring values of a warp: the longest block of a rotation. A lane has values
/// item * 32 + lane.
constexpr int kBlock = 128;
constexpr int kItems = kBlock / kWarpLanes;
using WarpBlock = float[kItems];

constexpr int kGateThreads = kPromptSliceRows / kBlock * kWarpLanes; ///< a warp has a block
static_assert(kPromptSliceRows % kBlock == 0 && kGateThreads <= 1024);

/// Blocks that a vector has.
__host__ __device__ constexpr int blocksOf(int size) {
    return (size + kBlock - 1) / kBlock;
}

/// The lane's element of a vector.
__device__ int elementIndex(int block, int item) {
    return block * kBlock + item * kWarpLanes + laneIndex();
}

/// Element i of a vector; `instead` beyond its end, or without one.
__device__ float elementOf(const float* vector, int i, int size, float instead) {
    return vector != nullptr && i < size ? vector[i] : instead;
}

__device__ float elementOf(const uint16_t* vector, int i, int size, float instead) {
    return vector != nullptr && i < size ? fromHalf(vector[i]) : instead;
}

__device__ void rotate(WarpBlock& value, int block) {
    // The reference's bits: 1 / sqrt, both rounded.
    hadamardInWarp(value, block, __fdiv_rn(1.0F, __fsqrt_rn(static_cast<float>(block))));
}

__device__ float largestOf(const WarpBlock& value, float largest) {
#pragma unroll
    for (const float each : value) {
        largest = fmaxf(largest, fabsf(each));
    }
    return largest;
}

/// One block of a vector of `size` numbers.
__device__ void storeHalves(const WarpBlock& value, int block, int size, float factor,
                            uint16_t* numbers) {
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
        const int i = elementIndex(block, item);
        if (i < size) {
            numbers[i] = halfBits(value[item] * factor);
        }
    }
}

/// One block, normed and rotated.
__device__ void loadRotated(const StepInput& way, const float* values, int block, float inverse,
                            WarpBlock& value) {
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
        const int i = elementIndex(block, item);
        value[item] = elementOf(values, i, way.size, 0) * inverse *
                      elementOf(way.norm, i, way.size, 1) * elementOf(way.sign, i, way.size, 1);
    }
    rotate(value, way.block);
}

/// A thread block has a token. Values are worked out twice: the scale needs all of them, and they
/// are read from the cache.
__global__ void inputKernel(const __grid_constant__ PromptInput input,
                            const __grid_constant__ PromptVectors out) {
    const StepInput& way = input.way;
    const int64_t token = blockIdx.x;
    const float* values = input.values + token * way.size;
    const float inverse = way.norm != nullptr ? inverseRms(values, way.size, input.epsilon) : 1.0F;
    WarpBlock value;
    float largest = 0;
    for (int block = warpIndex(); block < blocksOf(way.size); block += kWarps) {
        loadRotated(way, values, block, inverse, value);
        largest = largestOf(value, largest);
    }
    const PowerScale scale(largestOfThreads(largest));
    if (threadIdx.x == 0) {
        out.scale[token] = scale.scale;
    }
    for (int block = warpIndex(); block < blocksOf(way.size); block += kWarps) {
        loadRotated(way, values, block, inverse, value);
        storeHalves(value, block, way.size, scale.inverse, out.numbers + token * out.stride);
    }
}

/// A block of the slice with all scales.
__device__ void loadSums(const PromptProduct& product, int token, int block, WarpBlock& value) {
    const StepResult& result = product.result;
    const float tokenScale = product.tokenScale[token];
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
        const int row = elementIndex(block, item); // of the slice
        float sum = 0;
        if (row < product.rows) {
            const int64_t at = static_cast<int64_t>(token) * kPromptSliceRows + row;
            const float scale = result.scale != nullptr
                                    ? result.scale[(product.firstRow + row) / kTrellisRows]
                                    : product.unit;
            sum = product.product[at] * scale;
            if (product.correction != nullptr) {
                sum += product.correction[at];
            }
        }
        value[item] = sum * tokenScale;
    }
}

/// The values of a block of the slice: rotated back, with signs and bias; 0 beyond the last row.
__device__ void loadResult(const PromptProduct& product, int token, int block, WarpBlock& value) {
    const StepResult& result = product.result;
    loadSums(product, token, block, value);
    rotate(value, result.block);
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
        const int row = product.firstRow + elementIndex(block, item);
        const float sign = elementOf(result.sign, row, result.rows, 1) *
                           elementOf(result.rowScale, row, result.rows, 1);
        const float bias = elementOf(result.bias, row, result.rows, 0);
        value[item] = row < result.rows ? fmaf(value[item], sign, bias) : 0;
    }
}

/// A warp has a block of 128 rows of a token.
__global__ void finishKernel(const __grid_constant__ PromptProduct product, int tokens,
                             float* hidden) {
    const int blocks = blocksOf(product.rows);
    const int unit = static_cast<int>(blockIdx.x) * kWarps + warpIndex();
    if (unit >= tokens * blocks) {
        return; // whole warps
    }
    const int token = unit / blocks;
    const int block = unit % blocks;
    WarpBlock value;
    loadResult(product, token, block, value);
    const int64_t first = static_cast<int64_t>(token) * product.result.rows;
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
        const int row = product.firstRow + elementIndex(block, item);
        if (row >= product.result.rows) {
            continue;
        }
        if (product.result.values != nullptr) {
            product.result.values[first + row] = value[item];
        }
        if (hidden != nullptr) {
            hidden[first + row] += value[item];
        }
    }
}

/// A thread block has a token, a warp a block of 128 columns.
__global__ void __launch_bounds__(kGateThreads)
    gateKernel(const __grid_constant__ PromptProduct gate, const __grid_constant__ PromptProduct up,
               const __grid_constant__ PromptGate out) {
    const int token = static_cast<int>(blockIdx.x);
    const int place = gate.firstRow / kBlock + warpIndex();
    const bool hasBlock = warpIndex() < blocksOf(gate.rows);
    WarpBlock value = {};
    if (hasBlock) {
        WarpBlock factor;
        loadResult(gate, token, warpIndex(), value);
        loadResult(up, token, warpIndex(), factor);
#pragma unroll
        for (int item = 0; item < kItems; ++item) {
            const int i = elementIndex(place, item);
            value[item] = value[item] / (1 + __expf(-value[item])) * factor[item] *
                          elementOf(out.next.sign, i, out.next.size, 1);
        }
        rotate(value, out.next.block);
    }
    const PowerScale scale(largestOfThreads(largestOf(value, 0)));
    if (threadIdx.x == 0) {
        out.sliceScale[static_cast<int64_t>(token) * out.slices + gate.firstRow / out.sliceRows] =
            scale.scale;
    }
    if (hasBlock) {
        storeHalves(value, place, out.next.size, scale.inverse,
                    out.numbers + static_cast<int64_t>(token) * out.stride);
    }
}

/// A thread block has a token.
__global__ void joinKernel(const __grid_constant__ PromptGate gate, float* scale) {
    const int64_t token = blockIdx.x;
    const float* ofSlice = gate.sliceScale + token * gate.slices;
    float largest = 0;
    for (int slice = 0; slice < gate.slices; ++slice) {
        largest = fmaxf(largest, ofSlice[slice]);
    }
    if (threadIdx.x == 0) {
        scale[token] = largest;
    }
    uint16_t* numbers = gate.numbers + token * gate.stride;
    for (int slice = 0; slice < gate.slices; ++slice) {
        if (ofSlice[slice] == largest) {
            continue;
        }
        const float factor = ofSlice[slice] / largest;
        const int end = min((slice + 1) * gate.sliceRows, gate.next.size);
        for (int i = slice * gate.sliceRows + static_cast<int>(threadIdx.x); i < end;
             i += kThreads) {
            numbers[i] = halfBits(fromHalf(numbers[i]) * factor);
        }
    }
}

} // namespace

void promptInput(const PromptInput& input, int tokens, const PromptVectors& out,
                 CudaStream stream) {
    inputKernel<<<static_cast<unsigned>(tokens), kThreads, 0, stream>>>(input, out);
    checkLaunch("prompt input");
}

void promptFinish(const PromptProduct& product, int tokens, float* hidden, CudaStream stream) {
    const int64_t blocks = blocksOf(product.rows);
    finishKernel<<<gridFor(tokens * blocks * kWarpLanes), kThreads, 0, stream>>>(product, tokens,
                                                                                 hidden);
    checkLaunch("prompt finish");
}

void promptGate(const PromptProduct& gate, const PromptProduct& up, const PromptGate& out,
                int tokens, CudaStream stream) {
    gateKernel<<<static_cast<unsigned>(tokens), kGateThreads, 0, stream>>>(gate, up, out);
    checkLaunch("prompt gate");
}

void promptJoinSlices(const PromptGate& gate, float* scale, int tokens, CudaStream stream) {
    joinKernel<<<static_cast<unsigned>(tokens), kThreads, 0, stream>>>(gate, scale);
    checkLaunch("prompt slices");
}

} // namespace caldera::kernels::cuda
