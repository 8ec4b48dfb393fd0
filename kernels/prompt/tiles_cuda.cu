// Stored matrices as the 16-bit numbers that cuBLAS multiplies.
#include "kernels/prompt/prompt_cuda.h"

#include <algorithm>

#include <cuda_bf16.h>

#include "kernels/common/device_copy.h"
#include "kernels/e8p/e8p.h"
#include "kernels/lloyd/lloyd.h"
#include "kernels/prompt/threads.cuh"
#include "kernels/trellis/code_shape.cuh"

namespace caldera::kernels::cuda {
namespace {

using namespace prompt;

constexpr int kDecodeThreads = 512;
/// Thread blocks at most: each fills its table first, and a large GPU runs about so many at a time.
constexpr int64_t kMaxGrid = 264;

/// V columns of a row: two halves a word.
template <int kWords>
struct alignas(4 * kWords) Entry {
    uint32_t word[kWords];
};

template <class Code>
struct Decoder : Code {
    static constexpr int kIndexBits = Code::kNewBits + Code::kMemoryBits - 1; ///< without the sign
    static constexpr int kEntries = 1 << kIndexBits;
    static constexpr int kStringWords = Code::kNewBits / 2; ///< 2 k bytes
    static constexpr int kStringBits = 32 * kStringWords;
    static constexpr int kStart = Code::kMemoryBits; ///< bits of a window before its row's own
    using Values = Entry<Code::kColumns / 2>;
    static constexpr int kTableBytes = kEntries * static_cast<int>(sizeof(Values));

    /// Entry + 1/2 as fp16: a window's sign is then theirs, since ~e + 1/2 = -(e + 1/2).
    __device__ static void fill(const int8_t* entries, Values* table) {
        for (int i = static_cast<int>(threadIdx.x); i < kEntries; i += kDecodeThreads) {
#pragma unroll
            for (int pair = 0; pair < Code::kColumns / 2; ++pair) {
                const int8_t* two = entries + i * Code::kColumns + 2 * pair;
                const auto half = [](int8_t entry) -> uint32_t {
                    return halfBits(static_cast<float>(entry) + 0.5F);
                };
                table[i].word[pair] = half(two[0]) | half(two[1]) << 16;
            }
        }
    }

    /// The values of a row from the words of its string.
    __device__ static Values at(const uint32_t (&words)[kStringWords], int row,
                                const Values* table) {
        const int from = (row * Code::kNewBits - kStart + kStringBits) % kStringBits;
        const uint32_t low = words[from / 32];
        const uint32_t high = words[(from / 32 + 1) % kStringWords];
        const uint32_t window = from % 32 == 0 ? low : __funnelshift_r(low, high, from % 32);
        const uint32_t signs = (window >> kIndexBits & 1U) * 0x80008000U;
        Values values = table[window & static_cast<uint32_t>(kEntries - 1)];
#pragma unroll
        for (uint32_t& word : values.word) {
            word ^= signs;
        }
        return values;
    }
};

/// A thread has a string: 16 rows of V columns. Its neighbours have the columns beside it.
template <class Code>
__global__ void __launch_bounds__(kDecodeThreads)
    trellisKernel(const int8_t* entries, const uint32_t* codes, int64_t strings, int stringsOfGroup,
                  int stride, uint16_t* numbers) {
    using Decode = Decoder<Code>;
    using Values = typename Decode::Values;
    extern __shared__ int4 shared[];
    auto* table = reinterpret_cast<Values*>(shared);
    Decode::fill(entries, table);
    __syncthreads();
    for (int64_t i = blockIdx.x * static_cast<int64_t>(kDecodeThreads) + threadIdx.x; i < strings;
         i += static_cast<int64_t>(gridDim.x) * kDecodeThreads) {
        uint32_t words[Decode::kStringWords];
#pragma unroll
        for (int word = 0; word < Decode::kStringWords; ++word) {
            words[word] = codes[i * Decode::kStringWords + word];
        }
        const int64_t firstRow = i / stringsOfGroup * kTrellisRows;
        uint16_t* to = numbers + firstRow * stride + i % stringsOfGroup * Code::kColumns;
#pragma unroll
        for (int row = 0; row < kTrellisRows; ++row) {
            *reinterpret_cast<Values*>(to + static_cast<int64_t>(row) * stride) =
                Decode::at(words, row, table);
        }
    }
}

/// Eight columns of a row from a word of e8p-2. table: values by the high byte, then what they are
/// XORed with by the low byte.
__device__ uint4 e8pHalves(uint32_t word, const uint2* table) {
    const uint2 values = table[word >> 8];
    const uint2 signs = table[256 + (word & 0xFFU)];
    const uint32_t four[2] = {values.x ^ signs.x, values.y ^ signs.y};
    uint32_t pairs[4];
#pragma unroll
    for (int pair = 0; pair < 4; ++pair) {
        const auto half = [&](int column) -> uint32_t {
            const auto number = static_cast<int8_t>(four[pair / 2] >> (8 * (column % 4)));
            return halfBits(static_cast<float>(number) + 0.5F);
        };
        pairs[pair] = half(2 * pair) | half(2 * pair + 1) << 16;
    }
    return {pairs[0], pairs[1], pairs[2], pairs[3]};
}

/// A thread has two neighbouring words of a row, so that it writes whole sectors.
__global__ void __launch_bounds__(kDecodeThreads)
    e8pKernel(const int8_t* numbers, const uint16_t* codes, int64_t pairs, int wordsOfRow,
              int stride, uint16_t* halves) {
    __shared__ uint2 table[kDecodeThreads];
    table[threadIdx.x] = reinterpret_cast<const uint2*>(numbers)[threadIdx.x];
    __syncthreads();
    const int pairsOfRow = (wordsOfRow + 1) / 2;
    for (int64_t i = blockIdx.x * static_cast<int64_t>(kDecodeThreads) + threadIdx.x; i < pairs;
         i += static_cast<int64_t>(gridDim.x) * kDecodeThreads) {
        const int row = static_cast<int>(i % kE8pGroupRows);
        const int64_t group = i / kE8pGroupRows / pairsOfRow;
        const int first = static_cast<int>(i / kE8pGroupRows % pairsOfRow) * 2;
        uint16_t* to = halves + (group * kE8pGroupRows + row) * stride;
#pragma unroll
        for (int word = first; word < first + 2; ++word) {
            if (word < wordsOfRow) {
                *reinterpret_cast<uint4*>(to + word * kE8pWidth) =
                    e8pHalves(codes[(group * wordsOfRow + word) * kE8pGroupRows + row], table);
            }
        }
    }
}

/// Numbers of levels, row-major, the even column in the low nibble.
struct LevelRows {
    const uint8_t* codes;
    int64_t rowBytes;
    float levels[16];

    __device__ float at(int64_t row, int column) const {
        const int byte = codes[row * rowBytes + column / 2];
        return levels[(byte >> (column % 2 * 4)) & 0xF];
    }
};

LevelRows levelRows(const uint8_t* codes, int columns) {
    LevelRows rows{codes, (columns + 1) / 2, {}};
    std::copy_n(lloydLevels(4).begin(), 16, rows.levels);
    return rows;
}

struct HalfRows {
    const uint16_t* values;
    int64_t columns;

    __device__ float at(int64_t row, int column) const {
        return fromHalf(values[row * columns + column]);
    }
};

struct Bfloat16Rows {
    const __nv_bfloat16* values;
    int64_t columns;

    __device__ float at(int64_t row, int column) const {
        return __bfloat162float(values[row * columns + column]) / kPromptBfloat16Unit;
    }
};

/// fp16 [rows, stride].
struct HalfTile {
    uint16_t* numbers;
    int stride;

    __device__ void store(int64_t row, int column, float value) const {
        numbers[row * stride + column] = halfBits(value);
    }
};

/// f32 [rows, columns], column c times scale[c], rounded to the ten bits that TF32 keeps.
struct ScaledTile {
    float* values;
    const float* scale;
    int columns;

    __device__ void store(int64_t row, int column, float value) const {
        uint32_t bits;
        asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value * scale[column]));
        values[row * columns + column] = __uint_as_float(bits);
    }
};

template <class Rows, class Tile>
__global__ void rowsKernel(const __grid_constant__ Rows from, int rows, int columns,
                           const __grid_constant__ Tile to) {
    const int64_t i = blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x;
    if (i < static_cast<int64_t>(rows) * columns) {
        const int64_t row = i / columns;
        const int column = static_cast<int>(i % columns);
        to.store(row, column, from.at(row, column));
    }
}

template <class Rows, class Tile>
void convertRows(const Rows& from, int rows, int columns, const Tile& to, CudaStream stream) {
    rowsKernel<<<gridFor(static_cast<int64_t>(rows) * columns), kThreads, 0, stream>>>(from, rows,
                                                                                       columns, to);
    checkLaunch("prompt rows");
}

HalfTile halvesOf(const PromptTile& tile) {
    return {tile.numbers, promptStride(tile.columns)};
}

unsigned decodeGrid(int64_t items) {
    return static_cast<unsigned>(std::min((items + kDecodeThreads - 1) / kDecodeThreads, kMaxGrid));
}

void decodeE8p(const int8_t* numbers, const uint8_t* codes, const PromptTile& tile,
               CudaStream stream) {
    const int wordsOfRow = tile.columns / kE8pWidth;
    const int64_t pairs = static_cast<int64_t>(tile.rows) * ((wordsOfRow + 1) / 2);
    e8pKernel<<<decodeGrid(pairs), kDecodeThreads, 0, stream>>>(
        numbers, reinterpret_cast<const uint16_t*>(codes), pairs, wordsOfRow,
        promptStride(tile.columns), tile.numbers);
    checkLaunch("prompt decode");
}

void decodeTrellis(const TrellisCode& code, const int8_t* entries, const uint8_t* codes,
                   const PromptTile& tile, CudaStream stream) {
    withCodeShape(code, "prompt", "decoder", [&](auto shape) {
        using Code = decltype(shape);
        constexpr int kBytes = Decoder<Code>::kTableBytes;
        const int stringsOfGroup = tile.columns / Code::kColumns;
        const int64_t strings = static_cast<int64_t>(tile.rows / kTrellisRows) * stringsOfGroup;
        const auto kernel = trellisKernel<Code>;
        require(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes),
                "Preparing the prompt's decoder");
        kernel<<<decodeGrid(strings), kDecodeThreads, kBytes, stream>>>(
            entries, reinterpret_cast<const uint32_t*>(codes), strings, stringsOfGroup,
            promptStride(tile.columns), tile.numbers);
        checkLaunch("prompt decode");
    });
}

} // namespace

void promptDecode(const StepCode& code, const uint8_t* codes, const PromptTile& tile,
                  CudaStream stream) {
    const auto* table =
        static_cast<const int8_t*>(deviceCopy(code.table.data(), code.table.size()));
    if (code.trellis == nullptr) {
        decodeE8p(table, codes, tile, stream);
    } else {
        decodeTrellis(*code.trellis, table, codes, tile, stream);
    }
}

void promptDecodeLevels(const uint8_t* codes, const PromptTile& tile, CudaStream stream) {
    convertRows(levelRows(codes, tile.columns), tile.rows, tile.columns, halvesOf(tile), stream);
}

void promptConvertBfloat16(const uint8_t* rows, const PromptTile& tile, CudaStream stream) {
    convertRows(Bfloat16Rows{reinterpret_cast<const __nv_bfloat16*>(rows), tile.columns}, tile.rows,
                tile.columns, halvesOf(tile), stream);
}

void promptDecodeLeft(const StepFactor& left, int first, int rows, int rank, const float* scale,
                      float* values, CudaStream stream) {
    const ScaledTile tile{values, scale, rank};
    if (left.storage == StepStorage::Lloyd4) {
        LevelRows from = levelRows(left.codes, rank);
        from.codes += first * from.rowBytes;
        convertRows(from, rows, rank, tile, stream);
    } else {
        const auto* halves = reinterpret_cast<const uint16_t*>(left.codes);
        convertRows(HalfRows{halves + static_cast<int64_t>(first) * rank, rank}, rows, rank, tile,
                    stream);
    }
}

} // namespace caldera::kernels::cuda
