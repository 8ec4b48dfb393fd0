#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "kernels/trellis/trellis.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/trellis/integer_product_simd.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include "kernels/common/row_product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace caldera::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Four weights of a row are one 32-bit look-up. Sixteen loads from a table in the first cache are
// faster than a gather. With u = e + 128 the value (e + 1/2) step of an entry is (2 u - 255) step /
// 2, and the complement of e, which a window's top bit wants, that of u.

/// The bits of a group as three overlapping words, each window within one.
template <int kNewBits, int kMemoryBits>
class GroupBits {
public:
    explicit GroupBits(const uint8_t* bytes) {
        for (int i = 0; i < 3; ++i) {
            std::memcpy(&words_[i], bytes + i * kWordStep, sizeof(uint64_t));
        }
    }

    template <int kRow>
    HWY_INLINE uint32_t window() const {
        constexpr uint32_t kMask = (1U << (kNewBits + kMemoryBits)) - 1;
        if constexpr (kRow == 0) { // follows the last row
            return ((words_[2] >> (64 - kMemoryBits)) | (words_[0] << kMemoryBits)) & kMask;
        } else {
            constexpr int kFirst = kRow * kNewBits - kMemoryBits;
            constexpr int kWord = std::min(kFirst / (8 * kWordStep), 2);
            constexpr int kShift = kFirst - kWord * 8 * kWordStep;
            static_assert(kShift + kNewBits + kMemoryBits <= 64);
            // A rotation is one instruction where a shift would first have to copy the word.
            return static_cast<uint32_t>(std::rotr(words_[kWord], kShift)) & kMask;
        }
    }

private:
    static constexpr int kWordStep = (2 * kNewBits - 8) / 2;
    uint64_t words_[3];
};

/// The words of rows kFirst, kFirst + 1, ... in the lanes of a vector.
template <int kFirst, class D, class Bits>
HWY_INLINE hn::Vec<D> lookUp(D d, const uint32_t* table, const Bits& bits) {
#if HWY_TARGET == HWY_SCALAR
    return hn::Set(d, static_cast<int32_t>(table[bits.template window<kFirst>()]));
#else
    constexpr int kCount = static_cast<int>(hn::MaxLanes(D()));
    if constexpr (kCount == 4) { // each insertion reads from memory
        const auto word = [&](auto row) HWY_ATTR {
            return static_cast<int32_t>(table[bits.template window<kFirst + row()>()]);
        };
        auto four = hn::InsertLane(hn::Zero(d), 0, word(std::integral_constant<int, 0>()));
        four = hn::InsertLane(four, 1, word(std::integral_constant<int, 1>()));
        four = hn::InsertLane(four, 2, word(std::integral_constant<int, 2>()));
        return hn::InsertLane(four, 3, word(std::integral_constant<int, 3>()));
    } else {
        const hn::Half<D> half;
        return hn::Combine(d, lookUp<kFirst + kCount / 2>(half, table, bits),
                           lookUp<kFirst>(half, table, bits));
    }
#endif
}

/// The words of a group's rows; codes [blocks, 2 k].
template <int kColumns, int kNewBits, int kMemoryBits>
struct Group {
    static constexpr int kBias = 255;
    static constexpr int kTogether = 1;
    static constexpr int64_t kBytes = 2 * kNewBits;
    static constexpr int kStepBlocks = kStepColumns / kColumns;
    using Bits = GroupBits<kNewBits, kMemoryBits>;

    const uint32_t* table;
    const uint8_t* codes;
    int64_t blocks;
    int64_t columns;

    template <int kPart>
    HWY_INLINE void weights(int64_t step, LaneVector* out) const {
        const LaneTag di;
        const uint8_t* first = codes + step * kStepBlocks * kBytes;
        *out = lookUp<kPart * kPartLanes>(di, table, Bits(first));
        if constexpr (kStepBlocks == 2) {
            const bool hasSecond = step * kStepBlocks + 1 < blocks;
            const Bits second(first + (hasSecond ? kBytes : 0));
            *out = hn::Or(*out, hn::ShiftLeft<16>(lookUp<kPart * kPartLanes>(di, table, second)));
        }
    }
};

template <int kColumns, int kNewBits, int kMemoryBits>
void multiply(const TrellisMatrix& q, const uint32_t* table, const QuantizedBatch& x,
              const OutputVectors& y, GroupRange range) {
    using Rows = Group<kColumns, kNewBits, kMemoryBits>;
    const auto rowsOf = [&](int64_t group) {
        return Rows{table, q.codes + group * q.blocks * Rows::kBytes, q.blocks,
                    q.blocks * kColumns};
    };
    multiplyGroups(rowsOf, q.scale, q.code->step / 2, x, y, range);
}

void integerProduct(const TrellisMatrix& q, const uint32_t* table, const QuantizedBatch& x,
                    const OutputVectors& y, GroupRange range) {
    const TrellisCode& code = *q.code;
    if (code.columns == 4) {
        (code.newBits == 6   ? multiply<4, 6, 6>
         : code.newBits == 8 ? multiply<4, 8, 4>
                             : multiply<4, 10, 4>)(q, table, x, y, range);
    } else {
        (code.newBits == 6 ? multiply<2, 6, 6> : multiply<2, 8, 4>)(q, table, x, y, range);
    }
}

} // namespace
} // namespace caldera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace caldera::kernels {

HWY_EXPORT(integerProduct);

void trellisIntegerProduct(const TrellisMatrix& q, const uint32_t* byteTable,
                           const QuantizedBatch& x, const OutputVectors& y, GroupRange range) {
    HWY_DYNAMIC_DISPATCH(integerProduct)(q, byteTable, x, y, range);
}

} // namespace caldera::kernels
#endif
