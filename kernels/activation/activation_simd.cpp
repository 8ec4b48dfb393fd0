#include "kernels/activation/activation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/activation/activation_simd.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace caldera::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using IntTag = hn::RebindToSigned<Tag>;
using ByteTag = hn::Rebind<int8_t, Tag>;

/// 128 values.
HWY_INLINE void quantizeBlock(const float* values, const QuantizedRow& out) {
    const Tag df;
    const IntTag di;
    const ByteTag bytes;
    const auto lanes = static_cast<int64_t>(hn::Lanes(df));
    auto magnitudes = hn::Zero(df);
    for (int64_t i = 0; i < kQuantizedBlock; i += lanes) {
        magnitudes = hn::Max(magnitudes, hn::Abs(hn::LoadU(df, values + i)));
    }
    const float largestCode = out.low == nullptr ? kLargestCode8 : kLargestCode16;
    const float largest = hn::GetLane(hn::MaxOfLanes(df, magnitudes));
    const auto inverse = hn::Set(df, largest > kSmallestPeak ? largestCode / largest : 0);
    *out.scale = largest / largestCode;
    auto sums = hn::Zero(di);
    for (int64_t i = 0; i < kQuantizedBlock; i += lanes) {
        const auto code = hn::NearestInt(hn::Mul(hn::LoadU(df, values + i), inverse));
        sums = hn::Add(sums, code);
        if (out.low == nullptr) {
            hn::StoreU(hn::DemoteTo(bytes, code), bytes, out.high + i);
            continue;
        }
        const auto high = hn::ShiftRight<8>(hn::Add(code, hn::Set(di, 128)));
        const auto low = hn::Sub(code, hn::ShiftLeft<8>(high));
        hn::StoreU(hn::DemoteTo(bytes, high), bytes, out.high + i);
        hn::StoreU(hn::DemoteTo(bytes, low), bytes, out.low + i);
    }
    *out.sum = hn::GetLane(hn::SumOfLanes(di, sums));
}

void quantizeRow(const float* x, int64_t size, const QuantizedRow& out) {
    for (int64_t block = 0; block < out.blocks; ++block) {
        const int64_t first = block * kQuantizedBlock;
        const QuantizedRow part = {out.high + first, out.low != nullptr ? out.low + first : nullptr,
                                   out.scale + block, out.sum + block, 1};
        if (first + kQuantizedBlock <= size) {
            quantizeBlock(x + first, part);
            continue;
        }
        float padded[kQuantizedBlock] = {};
        for (int64_t i = first; i < size; ++i) {
            padded[i - first] = x[i];
        }
        quantizeBlock(padded, part);
    }
}

} // namespace
} // namespace caldera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace caldera::kernels {

HWY_EXPORT(quantizeRow);

void quantize(const float* x, int64_t size, const QuantizedRow& out) {
    HWY_DYNAMIC_DISPATCH(quantizeRow)(x, size, out);
}

} // namespace caldera::kernels
#endif
