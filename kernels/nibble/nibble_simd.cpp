#include <algorithm>
#include <vector>

#include "kernels/nibble/nibble.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/nibble/nibble_simd.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace caldera::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Tag>;
constexpr int64_t kHalf = kNibbleBlock / 2;

/// x in blocks of 64: first the 32 even columns, which lie in the low nibbles, then the odd ones.
std::vector<float> splitColumns(const float* x, int64_t columns, int64_t blocks) {
    std::vector<float> split(blocks * kNibbleBlock, 0.0F);
    for (int64_t c = 0; c < columns; ++c) {
        const int64_t place = c % kNibbleBlock;
        split[c - place + place % 2 * kHalf + place / 2] = x[c];
    }
    return split;
}

HWY_INLINE float scaleAt(const uint16_t* bits) {
    const hn::CappedTag<float, 1> single;
    const hn::Rebind<hwy::float16_t, decltype(single)> half;
    return hn::GetLane(
        hn::PromoteTo(single, hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(bits))));
}

/// Sums of one row's blocks times kVectors split inputs.
template <int kVectors>
HWY_INLINE void multiplyRow(const NibbleRows& w, int64_t row, const float* const* x, float* sums) {
    const Tag tag;
    const hn::RebindToSigned<Tag> di;
    const hn::Rebind<uint8_t, Tag> narrow;
    const auto lanes = static_cast<int64_t>(hn::Lanes(tag));
    const auto zero = hn::Set(di, 8);
    const auto lowBits = hn::Set(di, 0xF);
    Vector total[kVectors];
    for (auto& sum : total) {
        sum = hn::Zero(tag);
    }
    for (int64_t block = 0; block < w.blocks(); ++block) {
        const int64_t at = row * w.blocks() + block;
        const Vector scale = hn::Set(tag, scaleAt(w.scale + at));
        Vector part[kVectors];
        for (auto& sum : part) {
            sum = hn::Zero(tag);
        }
        for (int64_t i = 0; i < kHalf; i += lanes) {
            const auto bytes =
                hn::PromoteTo(di, hn::LoadU(narrow, w.codes + at * kNibbleBlockBytes + i));
            const Vector even = hn::ConvertTo(tag, hn::Sub(hn::And(bytes, lowBits), zero));
            const Vector odd = hn::ConvertTo(tag, hn::Sub(hn::ShiftRight<4>(bytes), zero));
            for (int t = 0; t < kVectors; ++t) {
                const float* input = x[t] + block * kNibbleBlock + i;
                part[t] = hn::MulAdd(even, hn::LoadU(tag, input), part[t]);
                part[t] = hn::MulAdd(odd, hn::LoadU(tag, input + kHalf), part[t]);
            }
        }
        for (int t = 0; t < kVectors; ++t) {
            total[t] = hn::MulAdd(part[t], scale, total[t]);
        }
    }
    for (int t = 0; t < kVectors; ++t) {
        sums[t] = hn::GetLane(hn::SumOfLanes(tag, total[t]));
    }
}

template <int kVectors>
void multiplyRows(const NibbleRows& w, const float* x, int64_t xStride, float* y, int64_t yStride) {
    std::vector<float> split[kVectors];
    const float* inputs[kVectors];
    for (int t = 0; t < kVectors; ++t) {
        split[t] = splitColumns(x + t * xStride, w.columns, w.blocks());
        inputs[t] = split[t].data();
    }
    for (int64_t row = 0; row < w.rows; ++row) {
        float sums[kVectors];
        multiplyRow<kVectors>(w, row, inputs, sums);
        for (int t = 0; t < kVectors; ++t) {
            y[t * yStride + row] = sums[t];
        }
    }
}

void multiplyNibbles(const NibbleRows& w, const InputVectors& x, const OutputVectors& y) {
    int64_t t = 0;
    for (; t + 4 <= x.count; t += 4) {
        multiplyRows<4>(w, x.values + t * x.stride, x.stride, y.values + t * y.stride, y.stride);
    }
    for (; t < x.count; ++t) {
        multiplyRows<1>(w, x.values + t * x.stride, x.stride, y.values + t * y.stride, y.stride);
    }
}

} // namespace
} // namespace caldera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace caldera::kernels {

HWY_EXPORT(multiplyNibbles);

void multiply(const NibbleRows& w, const InputVectors& x, const OutputVectors& y) {
    HWY_DYNAMIC_DISPATCH(multiplyNibbles)(w, x, y);
}

} // namespace caldera::kernels
#endif
