#include <algorithm>
#include <array>

#include "kernels/trellis/windows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/trellis/product_simd.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace caldera::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// The 16 rows of a group are the lanes of one vector (or of several), so a product needs no sum
// over lanes. With value = (e + 1/2) step, the halves add step / 2 times the sum of x to each row.

using FloatTag = hn::CappedTag<float, kTrellisRows>;
using IntTag = hn::RebindToSigned<FloatTag>;
using FloatVector = hn::Vec<FloatTag>;
using IntVector = hn::Vec<IntTag>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(FloatTag()));
constexpr int kParts = kTrellisRows / kLanes;
constexpr int64_t kTileBlocks = 64;

using TileWindows = std::array<uint16_t, kTileBlocks * kTrellisRows>;

/// windows [blocks, 16] of neighbouring groups.
HWY_INLINE void unpackTile(const TrellisCode& code, const uint8_t* codes, int64_t blocks,
                           uint16_t* HWY_RESTRICT windows) {
    for (int64_t block = 0; block < blocks; ++block) {
        const uint8_t* bytes = codes + block * code.groupBytes();
        uint16_t* to = windows + block * kTrellisRows;
        if (code.newBits == 8 && code.memoryBits == 4) { // a byte a row: the compiler vectorizes it
            to[0] = static_cast<uint16_t>((bytes[kTrellisRows - 1] >> 4) | (bytes[0] << 4));
            for (int row = 1; row < kTrellisRows; ++row) {
                to[row] = static_cast<uint16_t>((bytes[row - 1] >> 4) | (bytes[row] << 4));
            }
        } else {
            const TrellisWindows unpacked = unpackTrellis(code, bytes);
            std::copy(unpacked.begin(), unpacked.end(), to);
        }
    }
}

/// Looks windows up: lanes of int32 whose low bytes are a window's entries, complemented where its
/// top bit says so.
template <int kColumns>
class Lookup {
public:
    explicit Lookup(const TrellisCode& code)
        : table_(reinterpret_cast<const int32_t*>(code.table.data())),
          mask_(hn::Set(IntTag(), (1 << (code.windowBits() - 1)) - 1)),
          aboveTop_(32 - code.windowBits()) {}

    HWY_INLINE IntVector entries(const uint16_t* windows) const {
        const IntTag di;
        const hn::Rebind<uint16_t, IntTag> dh;
        const IntVector window = hn::PromoteTo(di, hn::LoadU(dh, windows));
        const IntVector index = hn::And(window, mask_);
        const IntVector sign =
            hn::ShiftRight<31>(hn::ShiftLeftSame(window, aboveTop_)); // all bits or none
        if constexpr (kColumns == 4) {
            return hn::Xor(hn::GatherIndex(di, table_, index), sign);
        } else { // two entries in an aligned word
            const IntVector word = hn::GatherIndex(di, table_, hn::ShiftRight<1>(index));
            const IntVector odd = hn::ShiftRight<31>(hn::ShiftLeft<31>(index));
            return hn::Xor(hn::IfVecThenElse(odd, hn::ShiftRight<16>(word), word), sign);
        }
    }

    /// Entry of column j as a number.
    template <int kColumn>
    static HWY_INLINE FloatVector column(IntVector entries) {
        return hn::ConvertTo(FloatTag(),
                             hn::ShiftRight<24>(hn::ShiftLeft<24 - 8 * kColumn>(entries)));
    }

private:
    const int32_t* table_;
    IntVector mask_;
    int aboveTop_;
};

template <int kColumns>
HWY_INLINE void addColumns(IntVector entries, const float* x, FloatVector* sums) {
    const FloatTag df;
    using Find = Lookup<kColumns>;
    sums[0] = hn::MulAdd(Find::template column<0>(entries), hn::Set(df, x[0]), sums[0]);
    sums[1] = hn::MulAdd(Find::template column<1>(entries), hn::Set(df, x[1]), sums[1]);
    if constexpr (kColumns == 4) {
        sums[2] = hn::MulAdd(Find::template column<2>(entries), hn::Set(df, x[2]), sums[2]);
        sums[3] = hn::MulAdd(Find::template column<3>(entries), hn::Set(df, x[3]), sums[3]);
    }
}

/// sums [16] += the entries of a group's blocks times x, halves left out.
template <int kColumns>
HWY_INLINE void multiplyTile(const Lookup<kColumns>& find, const uint16_t* windows, int64_t blocks,
                             const float* x, float* sums) {
    const FloatTag df;
    for (int part = 0; part < kParts; ++part) {
        FloatVector total[kColumns];
        for (auto& column : total) {
            column = hn::Zero(df);
        }
        for (int64_t block = 0; block < blocks; ++block) {
            addColumns<kColumns>(find.entries(windows + block * kTrellisRows + part * kLanes),
                                 x + block * kColumns, total);
        }
        auto sum = hn::LoadU(df, sums + part * kLanes);
        for (const auto& column : total) {
            sum = hn::Add(sum, column);
        }
        hn::StoreU(sum, df, sums + part * kLanes);
    }
}

template <int kColumns>
void gemv(const TrellisMatrix& q, const float* x, float* y, GroupRange range) {
    const TrellisCode& code = *q.code;
    const Lookup<kColumns> find(code);
    float half = 0;
    for (int64_t c = 0; c < q.blocks * kColumns; ++c) {
        half += x[c] / 2;
    }
    TileWindows windows;
    for (int64_t group = range.first; group < range.first + range.count; ++group) {
        std::array<float, kTrellisRows> sums;
        sums.fill(half);
        for (int64_t first = 0; first < q.blocks; first += kTileBlocks) {
            const int64_t blocks = std::min(kTileBlocks, q.blocks - first);
            unpackTile(code, q.codes + (group * q.blocks + first) * code.groupBytes(), blocks,
                       windows.data());
            multiplyTile<kColumns>(find, windows.data(), blocks, x + first * kColumns, sums.data());
        }
        for (int row = 0; row < kTrellisRows; ++row) {
            y[group * kTrellisRows + row] += q.scale[group] * code.step * sums[row];
        }
    }
}

/// Decoded columns of a group, halves included, before the step: [columns, 16].
using Tile = std::array<float, kTileBlocks * 4 * kTrellisRows>;

template <int kColumns, int kColumn>
HWY_INLINE void storeColumn(IntVector entries, float* to) {
    const FloatTag df;
    hn::StoreU(hn::Add(Lookup<kColumns>::template column<kColumn>(entries), hn::Set(df, 0.5F)), df,
               to + kColumn * kTrellisRows);
}

template <int kColumns>
HWY_INLINE void decodeTile(const Lookup<kColumns>& find, const uint16_t* windows, int64_t blocks,
                           float* tile) {
    for (int64_t at = 0; at < blocks * kTrellisRows; at += kLanes) {
        const IntVector entries = find.entries(windows + at);
        float* to = tile + at / kTrellisRows * kColumns * kTrellisRows + at % kTrellisRows;
        storeColumn<kColumns, 0>(entries, to);
        storeColumn<kColumns, 1>(entries, to);
        if constexpr (kColumns == 4) {
            storeColumn<kColumns, 2>(entries, to);
            storeColumn<kColumns, 3>(entries, to);
        }
    }
}

/// y [kInputs, 16] += factor * tile [columns, 16] times x [kInputs, columns].
template <int kInputs>
HWY_INLINE void addTile(const float* tile, int64_t columns, float factor, const InputBatch& batch,
                        const float* x, float* y) {
    const FloatTag df;
    for (int part = 0; part < kTrellisRows; part += kLanes) {
        FloatVector total[kInputs];
        for (auto& sum : total) {
            sum = hn::Zero(df);
        }
        for (int64_t c = 0; c < columns; ++c) {
            const auto weight = hn::LoadU(df, tile + c * kTrellisRows + part);
            for (int i = 0; i < kInputs; ++i) {
                total[i] = hn::MulAdd(weight, hn::Set(df, x[i * batch.xStride + c]), total[i]);
            }
        }
        for (int i = 0; i < kInputs; ++i) {
            float* to = y + i * batch.yStride + part;
            hn::StoreU(hn::MulAdd(total[i], hn::Set(df, factor), hn::LoadU(df, to)), df, to);
        }
    }
}

template <int kColumns>
void gemm(const TrellisMatrix& q, const InputBatch& batch, GroupRange range) {
    const TrellisCode& code = *q.code;
    const Lookup<kColumns> find(code);
    TileWindows windows;
    Tile tile;
    for (int64_t group = range.first; group < range.first + range.count; ++group) {
        const float factor = q.scale[group] * code.step;
        for (int64_t first = 0; first < q.blocks; first += kTileBlocks) {
            const int64_t blocks = std::min(kTileBlocks, q.blocks - first);
            unpackTile(code, q.codes + (group * q.blocks + first) * code.groupBytes(), blocks,
                       windows.data());
            decodeTile<kColumns>(find, windows.data(), blocks, tile.data());
            const int64_t columns = blocks * kColumns;
            const auto at = [&](int64_t input) {
                return batch.x + input * batch.xStride + first * kColumns;
            };
            const auto to = [&](int64_t input) {
                return batch.y + input * batch.yStride + group * kTrellisRows;
            };
            int64_t input = 0;
            for (; input + 4 <= batch.count; input += 4) {
                addTile<4>(tile.data(), columns, factor, batch, at(input), to(input));
            }
            for (; input < batch.count; ++input) {
                addTile<1>(tile.data(), columns, factor, batch, at(input), to(input));
            }
        }
    }
}

void multiply(const TrellisMatrix& q, const InputBatch& batch, GroupRange range) {
    const bool four = q.code->columns == 4;
    if (batch.count == 1) {
        (four ? gemv<4> : gemv<2>)(q, batch.x, batch.y, range);
    } else {
        (four ? gemm<4> : gemm<2>)(q, batch, range);
    }
}

/// values [16, V * blocks].
template <int kColumns>
void decodeGroups(const TrellisCode& code, const uint8_t* codes, int64_t blocks, float* values) {
    const Lookup<kColumns> find(code);
    TileWindows windows;
    Tile tile;
    for (int64_t first = 0; first < blocks; first += kTileBlocks) {
        const int64_t columns = std::min(kTileBlocks, blocks - first) * kColumns;
        unpackTile(code, codes + first * code.groupBytes(), columns / kColumns, windows.data());
        decodeTile<kColumns>(find, windows.data(), columns / kColumns, tile.data());
        for (int row = 0; row < kTrellisRows; ++row) {
            float* to = values + (row * blocks + first) * kColumns;
            for (int64_t c = 0; c < columns; ++c) {
                to[c] = tile[c * kTrellisRows + row] * code.step;
            }
        }
    }
}

void decodeRows(const TrellisCode& code, const uint8_t* codes, int64_t blocks, float* values) {
    (code.columns == 4 ? decodeGroups<4> : decodeGroups<2>)(code, codes, blocks, values);
}

} // namespace
} // namespace caldera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace caldera::kernels {

HWY_EXPORT(multiply);
HWY_EXPORT(decodeRows);

void trellisDecode(const TrellisCode& code, const uint8_t* codes, int64_t groups, float* values) {
    for (int64_t group = 0; group < groups; ++group) {
        trellisDecodeRows(code, codes + group * code.groupBytes(), 1,
                          values + group * kTrellisRows * code.columns);
    }
}

void trellisDecodeRows(const TrellisCode& code, const uint8_t* codes, int64_t blocks,
                       float* values) {
    HWY_DYNAMIC_DISPATCH(decodeRows)(code, codes, blocks, values);
}

void trellisGemm(const TrellisMatrix& q, const InputBatch& batch, GroupRange range) {
    HWY_DYNAMIC_DISPATCH(multiply)(q, batch, range);
}

} // namespace caldera::kernels
#endif
