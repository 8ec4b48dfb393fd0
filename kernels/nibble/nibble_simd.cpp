#include <algorithm>
#include <vector>

#include "kernels/nibble/nibble.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/nibble/nibble_simd.cpp"
#include <hwy/foreach_target.h>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "kernels/common/integer_dots-inl.h"

HWY_BEFORE_NAMESPACE();
namespace caldera::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR
void multiplyNibbles(const NibbleRows& w, const QuantizedBatch& x, const OutputVectors& y) {
    reference::multiply(w, x, y);
}
#else
namespace hn = hwy::HWY_NAMESPACE;

// The low nibbles of a block's 32 bytes are its even columns, the high ones the odd columns, so
// inputs are put into that order once. Numbers are 0 ... 15 and the zero is 8: the sum of the
// block's inputs, times 8, goes off at the end.

using ByteTag = hn::CappedTag<uint8_t, kNibbleBlockBytes>;
using IntTag = hn::Repartition<int32_t, ByteTag>;
using FloatTag = hn::RebindToFloat<IntTag>;
using IntVector = hn::Vec<IntTag>;
using FloatVector = hn::Vec<FloatTag>;
constexpr int64_t kHalf = kNibbleBlock / 2;
constexpr int kZero = 8;
constexpr int64_t kCacheLine = 64;

/// One vector in blocks of 64 columns.
struct SplitInput {
    std::vector<int8_t> high; ///< [blocks, 2, 32]: even columns, odd columns
    std::vector<int8_t> low;  ///< the same; 0 at 8 bits
    std::vector<float> scale; ///< [blocks]
    std::vector<float> zero;  ///< [blocks]: what the number 8 contributes

    SplitInput(const QuantizedBatch& x, int64_t blocks)
        : high(blocks * kNibbleBlock), low(high.size()), scale(blocks), zero(blocks) {
        for (int64_t block = 0; block < blocks; ++block) {
            int32_t sum = 0;
            for (int64_t i = 0; i < kNibbleBlock; ++i) {
                const int64_t from = block * kNibbleBlock + i;
                const int64_t to = block * kNibbleBlock + i % 2 * kHalf + i / 2;
                high[to] = x.high[from];
                low[to] = x.low != nullptr ? x.low[from] : 0;
                sum += x.code(from);
            }
            scale[block] = x.scale[block * kNibbleBlock / kQuantizedBlock];
            zero[block] = scale[block] * static_cast<float>(kZero * sum);
        }
    }
};

HWY_INLINE float scaleAt(const uint16_t* bits) {
    const hn::CappedTag<float, 1> single;
    const hn::Rebind<hwy::float16_t, decltype(single)> half;
    return hn::GetLane(
        hn::PromoteTo(single, hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(bits))));
}

/// sum + the 32 bytes of numbers times a block's inputs.
HWY_INLINE IntVector addBlock(IntVector sum, const uint8_t* codes, const int8_t* x) {
    const ByteTag du;
    const IntTag di;
    const hn::RebindToSigned<ByteTag> ds;
    const auto lanes = static_cast<int64_t>(hn::Lanes(du));
    for (int64_t i = 0; i < kHalf; i += lanes) {
        const auto bytes = hn::LoadU(du, codes + i);
        const auto even = hn::BitCast(di, hn::And(bytes, hn::Set(du, 0xF)));
        const auto odd = hn::BitCast(di, hn::ShiftRight<4>(bytes));
        sum = addDots(di, sum, even, hn::BitCast(di, hn::LoadU(ds, x + i)));
        sum = addDots(di, sum, odd, hn::BitCast(di, hn::LoadU(ds, x + i + kHalf)));
    }
    return sum;
}

/// One row times kVectors inputs.
template <int kVectors, bool kHasLow>
HWY_INLINE void multiplyRow(const uint8_t* codes, const uint16_t* scales, int64_t blocks,
                            const SplitInput* x, float* y, int64_t stride) {
    const FloatTag df;
    FloatVector totals[kVectors];
    float zeros[kVectors];
    for (int t = 0; t < kVectors; ++t) {
        totals[t] = hn::Zero(df);
        zeros[t] = 0;
    }
    for (int64_t block = 0; block < blocks; ++block) {
        const float scale = scaleAt(scales + block);
        const uint8_t* numbers = codes + block * kNibbleBlockBytes;
        for (int t = 0; t < kVectors; ++t) {
            const int64_t at = block * kNibbleBlock;
            IntVector sum = addBlock(hn::Zero(IntTag()), numbers, x[t].high.data() + at);
            if constexpr (kHasLow) {
                sum = addBlock(hn::ShiftLeft<8>(sum), numbers, x[t].low.data() + at);
            }
            totals[t] = hn::MulAdd(hn::ConvertTo(df, sum), hn::Set(df, scale * x[t].scale[block]),
                                   totals[t]);
            zeros[t] += scale * x[t].zero[block];
        }
    }
    for (int t = 0; t < kVectors; ++t) {
        y[t * stride] = hn::GetLane(hn::SumOfLanes(df, totals[t])) - zeros[t];
    }
}

template <int kVectors, bool kHasLow>
HWY_INLINE void multiplyRows(const NibbleRows& w, const SplitInput* x, float* y, int64_t stride) {
    constexpr int64_t kAhead = 1024; // bytes: a few rows are on their way from memory
    const int64_t blocks = w.blocks();
    for (int64_t row = 0; row < w.rows; ++row) {
        for (int64_t byte = 0; byte < blocks * kNibbleBlockBytes; byte += kCacheLine) {
            hwy::Prefetch(w.codes + row * blocks * kNibbleBlockBytes + byte + kAhead);
        }
        multiplyRow<kVectors, kHasLow>(w.codes + row * blocks * kNibbleBlockBytes,
                                       w.scale + row * blocks, blocks, x, y + row, stride);
    }
}

template <bool kHasLow>
void multiplyAll(const NibbleRows& w, const QuantizedBatch& x, const OutputVectors& y) {
    std::vector<SplitInput> split;
    for (int64_t t = 0; t < x.count; ++t) {
        split.emplace_back(x.from(t), w.blocks());
    }
    int64_t t = 0;
    for (; t + 4 <= x.count; t += 4) {
        multiplyRows<4, kHasLow>(w, split.data() + t, y.values + t * y.stride, y.stride);
    }
    for (; t < x.count; ++t) {
        multiplyRows<1, kHasLow>(w, split.data() + t, y.values + t * y.stride, y.stride);
    }
}

void multiplyNibbles(const NibbleRows& w, const QuantizedBatch& x, const OutputVectors& y) {
    (x.low == nullptr ? multiplyAll<false> : multiplyAll<true>)(w, x, y);
}
#endif

} // namespace
} // namespace caldera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace caldera::kernels {

HWY_EXPORT(multiplyNibbles);

void multiply(const NibbleRows& w, const QuantizedBatch& x, const OutputVectors& y) {
    HWY_DYNAMIC_DISPATCH(multiplyNibbles)(w, x, y);
}

} // namespace caldera::kernels
#endif
