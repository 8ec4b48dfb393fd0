#include "kernels/e8p/e8p.h"

#include <algorithm>
#include <array>

#include "kernels/e8p/tables.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/e8p/product_simd.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace caldera::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// Eight f32 in one vector, or in two where vectors hold four, and so on.
using EightTag = hn::CappedTag<float, 8>;
using EightBits = hn::RebindToUnsigned<EightTag>;
constexpr int kEightLanes = static_cast<int>(hn::MaxLanes(EightTag()));
constexpr int kParts = 8 / kEightLanes;

/// Part of a codeword's lattice point, without its shift.
HWY_INLINE hn::Vec<EightTag> latticePoint(const E8pTables& tables, uint32_t high, uint32_t low,
                                          int part) {
    const EightTag df;
    const EightBits du;
    const auto magnitude = hn::Load(df, tables.magnitude[high].data() + part * kEightLanes);
    const auto sign = hn::Load(du, tables.sign[low].data() + part * kEightLanes);
    return hn::Xor(magnitude, hn::BitCast(df, sign));
}

void decode(const uint16_t* HWY_RESTRICT codes, int64_t count, float* HWY_RESTRICT values) {
    const EightTag df;
    const E8pTables& tables = E8pTables::instance();
    for (int64_t i = 0; i < count; ++i) {
        const uint32_t high = codes[i] >> 8;
        const uint32_t low = codes[i] & 0xFFU;
        const auto shift = hn::Set(df, tables.shift[low]);
        for (int part = 0; part < kParts; ++part) {
            hn::StoreU(hn::Add(latticePoint(tables, high, low, part), shift), df,
                       values + i * kE8pWidth + part * kEightLanes);
        }
    }
}

constexpr int kTileRows = 8; ///< rows whose sums stay in registers

/// sums [8] = the point parts of eight neighbouring rows of a group, times x, over all blocks.
HWY_INLINE void multiplyPoints(const uint16_t* codes, int64_t blocks, const float* x, float* sums) {
    const EightTag df;
    const E8pTables& tables = E8pTables::instance();
    hn::Vec<EightTag> total[kTileRows];
    for (auto& row : total) {
        row = hn::Zero(df);
    }
    for (int64_t block = 0; block < blocks; ++block) {
        const uint16_t* words = codes + block * kE8pGroupRows;
        for (int part = 0; part < kParts; ++part) {
            const auto input = hn::LoadU(df, x + block * kE8pWidth + part * kEightLanes);
            for (int row = 0; row < kTileRows; ++row) {
                const uint32_t word = words[row];
                total[row] = hn::MulAdd(latticePoint(tables, word >> 8, word & 0xFFU, part), input,
                                        total[row]);
            }
        }
    }
    for (int row = 0; row < kTileRows; ++row) {
        sums[row] = hn::GetLane(hn::SumOfLanes(df, total[row]));
    }
}

/// sums [16] += the shifts of a group's words (+-1/4 each), times the sum of x in their block.
HWY_INLINE void addShifts(const uint16_t* codes, int64_t blocks, const float* quarterSums,
                          float* sums) {
    const EightTag df;
    const EightBits du;
    const hn::Rebind<uint16_t, EightTag> dh;
    for (int first = 0; first < kE8pGroupRows; first += kEightLanes) {
        auto total = hn::LoadU(df, sums + first);
        for (int64_t block = 0; block < blocks; ++block) {
            auto bits = hn::PromoteTo(du, hn::LoadU(dh, codes + block * kE8pGroupRows + first));
            bits = hn::Xor(bits, hn::ShiftRight<4>(bits)); // parity of the low byte to bit 0
            bits = hn::Xor(bits, hn::ShiftRight<2>(bits));
            bits = hn::Xor(bits, hn::ShiftRight<1>(bits));
            const auto sign = hn::BitCast(df, hn::ShiftLeft<31>(bits));
            total = hn::Add(total, hn::Xor(hn::Set(df, quarterSums[block]), sign));
        }
        hn::StoreU(total, df, sums + first);
    }
}

constexpr int64_t kGemvBlocks = 256; ///< column blocks whose sums are kept
constexpr int64_t kTileBlocks = 64;  ///< column blocks decoded at once: 32 KiB

void gemv(const E8pMatrix& q, const float* x, float* y, GroupRange range) {
    std::array<float, kGemvBlocks> quarterSums;
    for (int64_t firstBlock = 0; firstBlock < q.blocks; firstBlock += kGemvBlocks) {
        const int64_t blocks = std::min<int64_t>(kGemvBlocks, q.blocks - firstBlock);
        const float* input = x + firstBlock * kE8pWidth;
        for (int64_t block = 0; block < blocks; ++block) {
            float sum = 0;
            for (int j = 0; j < kE8pWidth; ++j) {
                sum += input[block * kE8pWidth + j];
            }
            quarterSums[block] = sum / 4;
        }
        for (int64_t group = range.first; group < range.first + range.count; ++group) {
            const uint16_t* codes = q.codes + (group * q.blocks + firstBlock) * kE8pGroupRows;
            std::array<float, kE8pGroupRows> sums;
            multiplyPoints(codes, blocks, input, sums.data());
            multiplyPoints(codes + kTileRows, blocks, input, sums.data() + kTileRows);
            addShifts(codes, blocks, quarterSums.data(), sums.data());
            for (int row = 0; row < kE8pGroupRows; ++row) {
                y[group * kE8pGroupRows + row] += q.scale[group] * sums[row];
            }
        }
    }
}

/// values [16, 8 * blocks] = decoded words of (part of) a group.
void decodeGroup(const uint16_t* HWY_RESTRICT codes, int64_t blocks, float* HWY_RESTRICT values) {
    for (int row = 0; row < kE8pGroupRows; ++row) {
        for (int64_t block = 0; block < blocks; ++block) {
            decode(codes + block * kE8pGroupRows + row, 1, values + (row * blocks + block) * 8);
        }
    }
}

/// sums [4, kInputs] = four rows times kInputs vectors, over `columns` values.
template <int kInputs>
HWY_INLINE void multiplyTile(const float* rows, const float* x, int64_t xStride, int64_t columns,
                             std::array<std::array<float, kInputs>, 4>& sums) {
    const EightTag df;
    hn::Vec<EightTag> total[4][kInputs];
    for (auto& row : total) {
        for (auto& sum : row) {
            sum = hn::Zero(df);
        }
    }
    for (int64_t c = 0; c < columns; c += kEightLanes) {
        hn::Vec<EightTag> input[kInputs];
        for (int i = 0; i < kInputs; ++i) {
            input[i] = hn::LoadU(df, x + i * xStride + c);
        }
        for (int row = 0; row < 4; ++row) {
            const auto weight = hn::LoadU(df, rows + row * columns + c);
            for (int i = 0; i < kInputs; ++i) {
                total[row][i] = hn::MulAdd(weight, input[i], total[row][i]);
            }
        }
    }
    for (int row = 0; row < 4; ++row) {
        for (int i = 0; i < kInputs; ++i) {
            sums[row][i] = hn::GetLane(hn::SumOfLanes(df, total[row][i]));
        }
    }
}

struct Tile {
    const float* rows = nullptr; ///< [16, columns]
    int64_t columns = 0;
    int64_t firstColumn = 0;
    int64_t firstRow = 0;
    float scale = 0;
};

template <int kInputs>
HWY_INLINE void addTile(const Tile& tile, const InputBatch& batch, int64_t firstInput) {
    const float* x = batch.x + firstInput * batch.xStride + tile.firstColumn;
    for (int row = 0; row < kE8pGroupRows; row += 4) {
        std::array<std::array<float, kInputs>, 4> sums;
        multiplyTile<kInputs>(tile.rows + row * tile.columns, x, batch.xStride, tile.columns, sums);
        for (int i = 0; i < kInputs; ++i) {
            float* y = batch.y + (firstInput + i) * batch.yStride + tile.firstRow + row;
            for (int r = 0; r < 4; ++r) {
                y[r] += tile.scale * sums[r][i];
            }
        }
    }
}

void gemm(const E8pMatrix& q, const InputBatch& batch, GroupRange range) {
    if (batch.count == 1) {
        gemv(q, batch.x, batch.y, range);
        return;
    }
    alignas(64) std::array<float, kE8pGroupRows * kTileBlocks * kE8pWidth> rows;
    for (int64_t group = range.first; group < range.first + range.count; ++group) {
        for (int64_t block = 0; block < q.blocks; block += kTileBlocks) {
            const int64_t blocks = std::min(kTileBlocks, q.blocks - block);
            decodeGroup(q.codes + (group * q.blocks + block) * kE8pGroupRows, blocks, rows.data());
            const Tile tile = {rows.data(), blocks * kE8pWidth, block * kE8pWidth,
                               group * kE8pGroupRows, q.scale[group]};
            int64_t input = 0;
            for (; input + 3 <= batch.count; input += 3) {
                addTile<3>(tile, batch, input);
            }
            if (batch.count - input == 2) {
                addTile<2>(tile, batch, input);
            } else if (batch.count - input == 1) {
                addTile<1>(tile, batch, input);
            }
        }
    }
}

} // namespace
} // namespace caldera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace caldera::kernels {

HWY_EXPORT(decode);
HWY_EXPORT(decodeGroup);
HWY_EXPORT(gemm);

void e8pDecode(const uint16_t* codes, int64_t count, float* values) {
    HWY_DYNAMIC_DISPATCH(decode)(codes, count, values);
}

void e8pDecodeGroup(const uint16_t* codes, int64_t blocks, float* values) {
    HWY_DYNAMIC_DISPATCH(decodeGroup)(codes, blocks, values);
}

void e8pGemm(const E8pMatrix& q, const InputBatch& batch, GroupRange range) {
    HWY_DYNAMIC_DISPATCH(gemm)(q, batch, range);
}

} // namespace caldera::kernels
#endif
