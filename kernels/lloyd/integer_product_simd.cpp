#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/lloyd/lloyd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lloyd/integer_product_simd.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include "kernels/common/row_product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace caldera::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR
void integerProduct(const LloydMatrix& matrix, int levelBits, const QuantizedBatch& x,
                    const OutputVectors& y, RowRange range) {
    reference::lloydIntegerProduct(matrix, levelBits, x, y, range);
}
#else
constexpr int64_t kWordBytes = 4; ///< of codes: eight columns

/// The numbers of four columns, in the upper or lower half of a word of eight, as bytes.
HWY_INLINE LaneVector spread(LaneVector numbers) {
    const LaneTag di;
    const LaneVector pairs =
        hn::And(hn::Or(numbers, hn::ShiftLeft<8>(numbers)), hn::Set(di, 0x00FF00FF));
    return hn::And(hn::Or(pairs, hn::ShiftLeft<4>(pairs)), hn::Set(di, 0x0F0F0F0F));
}

/// Sixteen rows of codes.
class CodedRows {
public:
    static constexpr int kBias = 256; ///< bytes are levels + 128
    static constexpr int kTogether = 2;
    int64_t columns;

    CodedRows(const LloydMatrix& matrix, const LaneVector& table, const uint8_t* codes)
        : columns(matrix.columns), rowBytes_(matrix.rowBytes()), table_(table), codes_(codes) {}

    template <int kPart>
    HWY_INLINE void weights(int64_t step, LaneVector* out) const {
        const LaneTag di;
        const int64_t at = step * kStepColumns / 2;
        const int64_t left = rowBytes_ - at;
        const LaneVector words = left >= kWordBytes
                                     ? load<kPart * kPartLanes>(di, at, kWordBytes)
                                     : load<kPart * kPartLanes>(di, at, static_cast<size_t>(left));
        out[0] = levels(spread(hn::And(words, hn::Set(di, 0xFFFF))));
        out[1] = levels(spread(hn::BitCast(
            di, hn::ShiftRight<16>(hn::BitCast(hn::RebindToUnsigned<LaneTag>(), words)))));
    }

private:
    HWY_INLINE LaneVector levels(LaneVector numbers) const {
        const hn::Repartition<uint8_t, LaneTag> bytes;
        return hn::BitCast(LaneTag(), hn::TableLookupBytes(hn::BitCast(bytes, table_),
                                                           hn::BitCast(bytes, numbers)));
    }

    static HWY_INLINE int32_t word(const uint8_t* bytes, size_t size) {
        int32_t word = 0;
        std::memcpy(&word, bytes, size);
        return word;
    }

    /// Words from byte `at` of the rows; a row has `size` bytes left there.
    template <int kFirst, class D>
    HWY_INLINE hn::Vec<D> load(D d, int64_t at, size_t size) const {
        constexpr int kCount = static_cast<int>(hn::MaxLanes(D()));
        if constexpr (kCount == 4) {
            const uint8_t* first = codes_ + kFirst * rowBytes_ + at;
            auto four = hn::InsertLane(hn::Zero(d), 0, word(first, size));
            four = hn::InsertLane(four, 1, word(first + rowBytes_, size));
            four = hn::InsertLane(four, 2, word(first + 2 * rowBytes_, size));
            return hn::InsertLane(four, 3, word(first + 3 * rowBytes_, size));
        } else {
            const hn::Half<D> half;
            return hn::Combine(d, load<kFirst + kCount / 2>(half, at, size),
                               load<kFirst>(half, at, size));
        }
    }

    int64_t rowBytes_;
    const LaneVector& table_; ///< the 16 bytes of levels, again and again
    const uint8_t* codes_;    ///< [16, rowBytes]
};

HWY_INLINE LaneVector tableOf(const std::array<int8_t, 16>& levels) {
    const hn::Repartition<int8_t, LaneTag> bytes;
    const hn::RebindToUnsigned<decltype(bytes)> unsignedBytes;
    const auto table = hn::BitCast(unsignedBytes, hn::LoadDup128(bytes, levels.data()));
    return hn::BitCast(LaneTag(), hn::Xor(table, hn::Set(unsignedBytes, 0x80))); // 128 more
}

/// y [rows] += factor * (256 high + low), or factor * high where there is no low.
HWY_INLINE void addScaled(const float* high, const float* low, float factor, int64_t rows,
                          float* y) {
    constexpr float kHighUnit = 256;
    for (int64_t i = 0; i < rows; ++i) {
        y[i] += factor * (low != nullptr ? kHighUnit * high[i] + low[i] : high[i]);
    }
}

/// Sixteen rows beginning with `first`, of which `rows` are there.
class WholeGroup {
public:
    WholeGroup(const LloydMatrix& matrix, int64_t first, int64_t rows)
        : codes_(matrix.codes + first * matrix.rowBytes()) {
        if (rows < kLaneRows) { // nothing beyond the matrix may be read
            copy_.resize(kLaneRows * matrix.rowBytes());
            std::copy_n(codes_, rows * matrix.rowBytes(), copy_.data());
            codes_ = copy_.data();
        }
    }
    const uint8_t* codes() const { return codes_; }

private:
    std::vector<uint8_t> copy_;
    const uint8_t* codes_;
};

void integerProduct(const LloydMatrix& matrix, int levelBits, const QuantizedBatch& x,
                    const OutputVectors& y, RowRange range) {
    const LloydIntegers& levels = lloydIntegers(levelBits);
    const LaneVector high = tableOf(levels.high);
    const LaneVector low = tableOf(levels.low);
    const bool hasLow = levelBits > 8;
    for (int64_t row = 0; row < range.count; row += kLaneRows) {
        const int64_t rows = std::min<int64_t>(kLaneRows, range.count - row);
        const WholeGroup group(matrix, range.first + row, rows);
        for (int64_t first = 0; first < x.count; first += kMostVectors) {
            QuantizedBatch some = x.from(first);
            some.count = std::min(kMostVectors, some.count);
            float totals[kMostVectors * kLaneRows];
            float lowTotals[kMostVectors * kLaneRows];
            multiplyRows(CodedRows(matrix, high, group.codes()), some, totals);
            if (hasLow) {
                multiplyRows(CodedRows(matrix, low, group.codes()), some, lowTotals);
            }
            for (int64_t t = 0; t < some.count; ++t) {
                addScaled(totals + t * kLaneRows, hasLow ? lowTotals + t * kLaneRows : nullptr,
                          levels.step / 2, rows, y.values + (first + t) * y.stride + row);
            }
        }
    }
}
#endif

} // namespace
} // namespace caldera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace caldera::kernels {

HWY_EXPORT(integerProduct);

void lloydIntegerProduct(const LloydMatrix& matrix, int levelBits, const QuantizedBatch& x,
                         const OutputVectors& y, RowRange range) {
    HWY_DYNAMIC_DISPATCH(integerProduct)(matrix, levelBits, x, y, range);
}

} // namespace caldera::kernels
#endif
