#include <array>

#include "kernels/e8p/e8p.h"
#include "kernels/e8p/tables.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/e8p/integer_product_simd.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include "kernels/common/row_product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace caldera::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// A word is eight weights of a row, 64 bits: the lanes of two neighbouring steps. As numbers + 128
// they are (2 u - 255) / 2. The entry of the high byte is loaded, and so is that of the low byte,
// unless there is GFNI: then the signs of eight words, parities of low bytes, are two instructions.

#if HWY_TARGET != HWY_SCALAR
/// A lane for each row: the table's entry of the byte at the same place in each row's word.
template <int kRows>
HWY_INLINE auto lookUp(const uint64_t* table, const uint8_t* bytes) {
    const hn::CappedTag<uint64_t, kRows> d;
    if constexpr (kRows == 1) {
        return hn::LoadU(d, table + *bytes);
    } else {
        return hn::Combine(d, lookUp<kRows / 2>(table, bytes + kRows),
                           lookUp<kRows / 2>(table, bytes));
    }
}
#endif

#if HWY_TARGET == HWY_AVX3_DL
/// Byte j of a lane: eight times the parity of the lane's low byte under the mask in byte j, each
/// bit flipped where kFlip has one.
template <int kFlip, class V>
HWY_INLINE V parities(V masks, V lowBytes) {
    asm("vgf2p8affineqb %2, %1, %0, %0" : "+v"(masks.raw) : "v"(lowBytes.raw), "i"(kFlip));
    return masks;
}

/// What E8pByteTables::second has for the low bytes of eight words.
HWY_INLINE hn::Vec<hn::CappedTag<uint64_t, 8>> signs(const uint8_t* words) {
    const hn::CappedTag<uint64_t, 8> d;
    const hn::Repartition<uint8_t, decltype(d)> du;
    alignas(64) static constexpr auto kWordOfByte = [] {
        std::array<uint8_t, 64> places{};
        for (size_t i = 0; i < places.size(); ++i) {
            places[i] = static_cast<uint8_t>(i / 8 * sizeof(uint16_t));
        }
        return places;
    }();
    const auto lowBytes = hn::BitCast(
        d, hn::TableLookupBytes(hn::LoadDup128(du, words), hn::Load(du, kWordOfByte.data())));
    const auto negative = parities<0x00>(hn::Set(d, kE8pSignMasks), lowBytes);
    const auto isEven = parities<0xFF>(hn::Set(d, ~uint64_t{0}), lowBytes);
    constexpr uint64_t kLowestBits = 0x0101010101010101;
    return hn::IfVecThenElse(hn::Set(d, kLowestBits), isEven, negative);
}
#endif

/// The words of a group's rows; codes [blocks, 16]. kComputesSigns: by signs(), for processors that
/// have it.
template <bool kComputesSigns>
struct Group {
    static constexpr int kBias = 255;
    static constexpr int kTogether = kE8pWidth / kStepColumns;

    const E8pByteTables& tables;
    const uint16_t* codes;
    int64_t columns;

    template <int kPart>
    HWY_INLINE void weights(int64_t step, LaneVector* out) const {
        const LaneTag di;
        const auto* words = reinterpret_cast<const uint8_t*>(
            codes + step / kTogether * kE8pGroupRows + kPart * kPartLanes);
#if HWY_TARGET == HWY_SCALAR
        const uint64_t eight = tables.first[words[1]] ^ tables.second[words[0]];
        out[0] = hn::Set(di, static_cast<int32_t>(eight));
        out[1] = hn::Set(di, static_cast<int32_t>(eight >> 32));
#else
        const auto lower = hn::BitCast(di, eightOfRows(words));
        const auto upper = hn::BitCast(di, eightOfRows(words + kPartLanes));
        out[0] = hn::ConcatEven(di, upper, lower);
        out[1] = hn::ConcatOdd(di, upper, lower);
#endif
    }

private:
#if HWY_TARGET != HWY_SCALAR
    HWY_INLINE auto eightOfRows(const uint8_t* words) const {
        constexpr int kRows = kPartLanes / 2;
        const auto numbers = lookUp<kRows>(tables.first.data(), words + 1);
#if HWY_TARGET == HWY_AVX3_DL
        if constexpr (kComputesSigns) {
            return hn::Xor(numbers, signs(words));
        }
#endif
        return hn::Xor(numbers, lookUp<kRows>(tables.second.data(), words));
    }
#endif
};

template <bool kComputesSigns>
void multiply(const E8pMatrix& q, const QuantizedBatch& x, const OutputVectors& y,
              GroupRange range) {
    const E8pByteTables& tables = E8pByteTables::instance();
    const auto rowsOf = [&](int64_t group) {
        return Group<kComputesSigns>{tables, q.codes + group * q.blocks * kE8pGroupRows,
                                     q.blocks * kE8pWidth};
    };
    multiplyGroups(rowsOf, q.scale, kE8pNumberStep / 2, x, y, range);
}

void integerProduct(const E8pMatrix& q, const QuantizedBatch& x, const OutputVectors& y,
                    GroupRange range) {
#if HWY_TARGET == HWY_AVX3_DL
    // Not among what Highway asks of the target, and a virtual machine may hide it.
    static const bool hasGfni = __builtin_cpu_supports("gfni") != 0;
    if (hasGfni) {
        multiply<true>(q, x, y, range);
        return;
    }
#endif
    multiply<false>(q, x, y, range);
}

} // namespace
} // namespace caldera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace caldera::kernels {

HWY_EXPORT(integerProduct);

void e8pIntegerProduct(const E8pMatrix& q, const QuantizedBatch& x, const OutputVectors& y,
                       GroupRange range) {
    HWY_DYNAMIC_DISPATCH(integerProduct)(q, x, y, range);
}

} // namespace caldera::kernels
#endif
