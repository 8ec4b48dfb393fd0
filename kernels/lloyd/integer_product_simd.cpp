#include <algorithm>
#include <cstring>

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
void integerProduct(const LloydMatrix& matrix, const QuantizedBatch& x, const OutputVectors& y,
                    RowRange range) {
    reference::lloydIntegerProduct(matrix, x, y, range);
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

/// Sixteen rows of codes; where there are fewer, the last one again.
class CodedRows {
public:
    static constexpr int kBias = 256; ///< bytes are levels + 128
    static constexpr int kTogether = 2;
    int64_t columns;

    CodedRows(const LloydMatrix& matrix, const LaneVector& table, int64_t first, int64_t count)
        : columns(matrix.columns), rowBytes_(matrix.rowBytes()), table_(table) {
        for (int64_t row = 0; row < kLaneRows; ++row) {
            rows_[row] = matrix.codes + (first + std::min(row, count - 1)) * rowBytes_;
        }
    }

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

    /// Words from byte `at` of the rows; a row has `size` bytes left there.
    template <int kFirst, class D>
    HWY_INLINE hn::Vec<D> load(D d, int64_t at, size_t size) const {
        constexpr int kCount = static_cast<int>(hn::MaxLanes(D()));
        if constexpr (kCount == 4) {
            using Four = uint32_t __attribute__((vector_size(16)));
            Four four = {};
            for (int i = 0; i < kCount; ++i) {
                uint32_t word = 0;
                std::memcpy(&word, rows_[kFirst + i] + at, size);
                four[i] = word;
            }
            return hn::LoadU(d, reinterpret_cast<const int32_t*>(&four));
        } else {
            const hn::Half<D> half;
            return hn::Combine(d, load<kFirst + kCount / 2>(half, at, size),
                               load<kFirst>(half, at, size));
        }
    }

    int64_t rowBytes_;
    const LaneVector& table_; ///< the 16 bytes of levels, again and again
    const uint8_t* rows_[kLaneRows];
};

HWY_INLINE LaneVector levelTable() {
    constexpr int kUnsigned = 128;
    alignas(16) uint8_t bytes[16];
    for (size_t i = 0; i < 16; ++i) {
        bytes[i] = static_cast<uint8_t>(lloydByteLevels()[i] + kUnsigned);
    }
    return hn::LoadDup128(LaneTag(), reinterpret_cast<const int32_t*>(bytes));
}

void integerProduct(const LloydMatrix& matrix, const QuantizedBatch& x, const OutputVectors& y,
                    RowRange range) {
    const LaneVector table = levelTable();
    for (int64_t first = 0; first < x.count; first += kMostVectors) {
        QuantizedBatch some = x.from(first);
        some.count = std::min(kMostVectors, some.count);
        for (int64_t row = 0; row < range.count; row += kLaneRows) {
            const int64_t rows = std::min<int64_t>(kLaneRows, range.count - row);
            float totals[kMostVectors * kLaneRows];
            multiplyRows(CodedRows(matrix, table, range.first + row, rows), some, totals);
            for (int64_t t = 0; t < some.count; ++t) {
                float* to = y.values + (first + t) * y.stride + row;
                std::transform(totals + t * kLaneRows, totals + t * kLaneRows + rows, to,
                               [](float total) { return total * (lloydByteStep() / 2); });
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

void lloydIntegerProduct(const LloydMatrix& matrix, const QuantizedBatch& x, const OutputVectors& y,
                         RowRange range) {
    HWY_DYNAMIC_DISPATCH(integerProduct)(matrix, x, y, range);
}

} // namespace caldera::kernels
#endif
