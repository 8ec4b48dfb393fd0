#include "kernels/trellis/gemv_cuda.h"

#include <algorithm>
#include <limits>
#include <string>

#include "kernels/common/device_copy.h"
#include "kernels/common/launch.cuh"
#include "kernels/common/warp.cuh"
#include "kernels/trellis/code_shape.cuh"

namespace caldera::kernels::cuda {
namespace {

constexpr int kThreads = 1024;
constexpr int kWarps = kThreads / kWarpLanes;
/// Eight lanes share a block of 128 columns, so a warp works on four at a time.
constexpr int kLanesOfBlock = 8;
constexpr int kBlocksTogether = kWarpLanes / kLanesOfBlock;
/// Times that a lane loads codes for four columns of its block.
constexpr int kSteps = static_cast<int>(kQuantizedBlock) / (4 * kLanesOfBlock);
/// Shared memory for copies of the table, so that lanes seldom wait for one bank.
constexpr int kTableBytes = 64 << 10;
/// Turns that summing 16 rows over a warp takes the time of.
constexpr double kSumTurns = 0.5;
/// An int32 that starts here reads as an f32 of 1.5 * 2^23 plus what was added: no conversion.
constexpr int kFloatZero = 0x4B400000;
constexpr float kFloatZeroValue = 12582912.0F;

/// How a code's table and codes lie.
template <class Code>
struct Shape : Code {
    static constexpr int kEntries = 1 << (Code::kNewBits + Code::kMemoryBits - 1);
    static constexpr int kCopies = kTableBytes / (4 * kEntries);
    static constexpr int kShift = kCopies == 8 ? 5 : kCopies == 2 ? 3 : 2;
    static_assert((1 << kShift) == 4 * kCopies);
    static constexpr int kGroupWords = Code::kNewBits / 2;  ///< 2 k bytes
    static constexpr int kParts = 4 / Code::kColumns;       ///< strings for four columns
    static constexpr int kUnitWords = kParts * kGroupWords; ///< words of four columns' codes
};

/// The words of one string and what its windows decode to.
template <class S>
class String {
public:
    __device__ explicit String(const uint32_t* words) : words_(words) {}

    /// The entry of row's window, its sign applied: V int8 from the lowest byte up.
    __device__ int entry(int row, const char* table) const {
        const int start = row * S::kNewBits - S::kMemoryBits; // of the window
        const uint32_t window = bits(start - S::kShift);
        const int value = *reinterpret_cast<const int*>(
            table + (window & (static_cast<uint32_t>(S::kEntries - 1) << S::kShift)));
        return value ^ sign(row);
    }

private:
    /// 32 bits of the string from bit `from` on, which wraps.
    __device__ uint32_t bits(int from) const {
        constexpr int kBits = 16 * S::kNewBits;
        const int at = (from + kBits) % kBits;
        const int word = at / 32;
        const uint32_t low = words_[word];
        const uint32_t high = words_[(word + 1) % S::kGroupWords];
        return at % 32 == 0 ? low : __funnelshift_r(low, high, at % 32);
    }

    /// All ones where the row's top bit is set.
    __device__ int sign(int row) const {
        const int last = row * S::kNewBits + S::kNewBits - 1;
        return static_cast<int>(words_[last / 32] << (31 - last % 32)) >> 31;
    }

    const uint32_t* words_;
};

template <class S>
__device__ void loadUnit(const uint32_t* __restrict__ from, uint32_t (&words)[S::kUnitWords]) {
    if constexpr (S::kUnitWords % 4 == 0) {
#pragma unroll
        for (int i = 0; i < S::kUnitWords / 4; ++i) {
            const uint4 four = __ldcs(reinterpret_cast<const uint4*>(from) + i);
            words[4 * i] = four.x;
            words[4 * i + 1] = four.y;
            words[4 * i + 2] = four.z;
            words[4 * i + 3] = four.w;
        }
    } else if constexpr (S::kUnitWords % 2 == 0) {
#pragma unroll
        for (int i = 0; i < S::kUnitWords / 2; ++i) {
            const uint2 two = __ldcs(reinterpret_cast<const uint2*>(from) + i);
            words[2 * i] = two.x;
            words[2 * i + 1] = two.y;
        }
    } else {
#pragma unroll
        for (int i = 0; i < S::kUnitWords; ++i) {
            words[i] = __ldcs(from + i);
        }
    }
}

/// Adds four columns of all 16 rows to sum.
template <class S>
__device__ void multiplyUnit(const uint32_t (&words)[S::kUnitWords], int x, const char* table,
                             int (&sum)[kTrellisRows]) {
    const String<S> first(words);
    if constexpr (S::kColumns == 4) {
#pragma unroll
        for (int row = 0; row < kTrellisRows; ++row) {
            sum[row] = __dp4a(first.entry(row, table), x, sum[row]);
        }
    } else {
        const String<S> second(words + S::kGroupWords);
#pragma unroll
        for (int row = 0; row < kTrellisRows; ++row) {
            const int four = __byte_perm(first.entry(row, table), second.entry(row, table), 0x5410);
            sum[row] = __dp4a(four, x, sum[row]);
        }
    }
}

/// The sums of 16 rows over all lanes: lane 2 r (and 2 r + 1) gets row r's.
__device__ float sumRows(float (&value)[kTrellisRows]) {
    const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
#pragma unroll
    for (int turn = 0; turn < 4; ++turn) {
        const int distance = 16 >> turn;
        const bool upper = (lane & distance) != 0;
#pragma unroll
        for (int i = 0; i < distance / 2; ++i) {
            const float sent = upper ? value[i] : value[i + distance / 2];
            const float kept = upper ? value[i + distance / 2] : value[i];
            value[i] = kept + __shfl_xor_sync(kAllLanes, sent, distance);
        }
    }
    return value[0] + __shfl_xor_sync(kAllLanes, value[0], 1);
}

struct GemvTask {
    const int8_t* entries; ///< [2^(k + m - 1), V]
    const uint32_t* codes; ///< [groups, blocksOfCode, 2 k bytes]
    int64_t groups;
    int64_t groupWords; ///< words of a group's whole row of codes
    int64_t units;      ///< four-column units in a row
    const int8_t* x;
    const float* xScale;
    int blocks; ///< of 128 columns
    int splits;
    int splitBlocks;
    float* partial;
};

/// Copies of the table lie interleaved: entry e of copy c at word e * copies + c.
template <class S>
__device__ void fillTable(const int8_t* __restrict__ entries, int* table) {
    for (int i = static_cast<int>(threadIdx.x); i < S::kEntries; i += kThreads) {
        int entry;
        if constexpr (S::kColumns == 4) {
            entry = reinterpret_cast<const int*>(entries)[i];
        } else {
            entry = reinterpret_cast<const uint16_t*>(entries)[i];
        }
#pragma unroll
        for (int copy = 0; copy < S::kCopies; ++copy) {
            table[i * S::kCopies + copy] = entry;
        }
    }
}

template <class S>
__global__ void __launch_bounds__(kThreads)
    trellisGemvKernel(const __grid_constant__ GemvTask task) {
    extern __shared__ int shared[];
    int* table = shared;
    int* x = table + S::kEntries * S::kCopies;
    auto* xScale = reinterpret_cast<float*>(x + task.blocks * (kQuantizedBlock / 4));
    const int thread = static_cast<int>(threadIdx.x);
    fillTable<S>(task.entries, table);
    for (int i = thread; i < task.blocks * (kQuantizedBlock / 4); i += kThreads) {
        x[i] = reinterpret_cast<const int*>(task.x)[i];
    }
    for (int i = thread; i < task.blocks; i += kThreads) {
        xScale[i] = task.xScale[i];
    }
    __syncthreads();

    const int lane = thread % kWarpLanes;
    const int laneOfBlock = lane % kLanesOfBlock;
    const char* copy = reinterpret_cast<const char*>(table + lane % S::kCopies);
    const int64_t warps = static_cast<int64_t>(gridDim.x) * kWarps;
    for (int64_t item = static_cast<int64_t>(blockIdx.x) * kWarps + thread / kWarpLanes;
         item < task.groups * task.splits; item += warps) {
        const int64_t group = item / task.splits;
        const int split = static_cast<int>(item % task.splits);
        const uint32_t* codes = task.codes + group * task.groupWords;
        const int end = min(task.blocks, (split + 1) * task.splitBlocks);
        float total[kTrellisRows] = {};
        for (int block = split * task.splitBlocks + lane / kLanesOfBlock; block < end;
             block += kBlocksTogether) {
            uint32_t words[kSteps][S::kUnitWords];
            int64_t unit = static_cast<int64_t>(block) * (kQuantizedBlock / 4) + laneOfBlock;
#pragma unroll
            for (int step = 0; step < kSteps; ++step) {
                // Units beyond the matrix meet codes of zero in x, so any code will do.
                const int64_t within = min(unit + step * kLanesOfBlock, task.units - 1);
                loadUnit<S>(codes + within * S::kUnitWords, words[step]);
            }
            int sum[kTrellisRows];
#pragma unroll
            for (int& each : sum) {
                each = kFloatZero;
            }
#pragma unroll
            for (int step = 0; step < kSteps; ++step) {
                multiplyUnit<S>(words[step], x[unit + step * kLanesOfBlock], copy, sum);
            }
            const float scale = xScale[block];
#pragma unroll
            for (int row = 0; row < kTrellisRows; ++row) {
                total[row] = fmaf(scale, __int_as_float(sum[row]) - kFloatZeroValue, total[row]);
            }
        }
        const float rowTotal = sumRows(total);
        if (lane % 2 == 0) {
            task.partial[split * task.groups * kTrellisRows + group * kTrellisRows + lane / 2] =
                rowTotal;
        }
    }
}

int multiprocessors() {
    int device = 0;
    int count = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device);
    return std::max(count, 1);
}

template <class S>
void launch(const GemvTask& task, CudaStream stream) {
    const auto kernel = trellisGemvKernel<S>;
    const int bytes =
        S::kEntries * S::kCopies * 4 + task.blocks * (static_cast<int>(kQuantizedBlock) + 4);
    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
    const int64_t wanted = (task.groups * task.splits + kWarps - 1) / kWarps;
    const auto grid = static_cast<unsigned>(std::min<int64_t>(wanted, multiprocessors()));
    kernel<<<grid, kThreads, bytes, stream>>>(task);
    checkLaunch("trellis gemv");
}

} // namespace

GemvShape gemvShape(int64_t groups, int64_t blocks) {
    const int64_t warps = static_cast<int64_t>(multiprocessors()) * kWarps;
    const int64_t all = std::max<int64_t>(1, (blocks + kBlocksTogether - 1) / kBlocksTogether);
    GemvShape best{1, all * kBlocksTogether};
    double least = std::numeric_limits<double>::max();
    for (int64_t turns = all; turns >= 1; --turns) { // that a warp takes for a part of a row
        const int64_t splits = (all + turns - 1) / turns;
        const int64_t waves = (groups * splits + warps - 1) / warps;
        const double time = static_cast<double>(waves) * (static_cast<double>(turns) + kSumTurns);
        if (time < least) {
            least = time;
            best = {splits, turns * kBlocksTogether};
        }
    }
    return best;
}

void trellisGemv(const TrellisMatrix& q, const QuantizedVector& x, GemvShape shape, float* partial,
                 CudaStream stream) {
    const TrellisCode& code = *q.code;
    if (q.groups == 0 || q.blocks == 0) {
        return;
    }
    if (q.blocks * code.columns % 4 != 0) {
        throw KernelError("trellis gemv: the matrix has " +
                          std::to_string(q.blocks * code.columns) +
                          " columns; a multiple of four is needed.");
    }
    GemvTask task{};
    task.entries = static_cast<const int8_t*>(deviceCopy(code.table.data(), code.table.size()));
    task.codes = reinterpret_cast<const uint32_t*>(q.codes);
    task.groups = q.groups;
    task.groupWords = q.blocks * code.groupBytes() / 4;
    task.units = q.blocks * code.columns / 4;
    task.x = x.codes;
    task.xScale = x.scale;
    task.blocks = static_cast<int>(x.blocks);
    task.splits = static_cast<int>(shape.splits);
    task.splitBlocks = static_cast<int>(shape.splitBlocks);
    task.partial = partial;
    withCodeShape(code, "trellis gemv", "product",
                  [&](auto shape) { launch<Shape<decltype(shape)>>(task, stream); });
}

} // namespace caldera::kernels::cuda
