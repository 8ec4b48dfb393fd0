#include "kernels/hadamard/hadamard.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/hadamard/hadamard_simd.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace caldera::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using EightTag = hn::CappedTag<float, 8>;
using EightBits = hn::RebindToUnsigned<EightTag>;
using Vector = hn::Vec<EightTag>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(EightTag()));

/// swapped + v in the lower lane of each pair, swapped - v in the upper one. kHalf: lane distance.
template <int kHalf>
HWY_INLINE Vector butterfly(Vector v, Vector swapped) {
    const EightBits du;
    const auto bit = hn::And(hn::Iota(du, 0), hn::Set(du, kHalf));
    const auto sign = hn::ShiftLeft<31>(hn::Min(bit, hn::Set(du, 1)));
    return hn::Add(swapped, hn::Xor(v, hn::BitCast(EightTag(), sign)));
}

/// The stages inside one vector.
HWY_INLINE Vector transformLanes(Vector v) {
#if HWY_TARGET != HWY_SCALAR
    v = butterfly<1>(v, hn::Shuffle2301(v));
    v = butterfly<2>(v, hn::Shuffle1032(v));
#if HWY_MAX_BYTES >= 32
    v = butterfly<4>(v, hn::ConcatLowerUpper(EightTag(), v, v));
#endif
#endif
    return v;
}

/// block is at least kLanes.
HWY_INLINE void transformBlock(float* start, int64_t block, float scale) {
    const EightTag df;
    for (int64_t i = 0; i < block; i += kLanes) {
        hn::StoreU(transformLanes(hn::LoadU(df, start + i)), df, start + i);
    }
    for (int64_t half = kLanes; half < block; half *= 2) {
        for (int64_t first = 0; first < block; first += 2 * half) {
            for (int64_t i = first; i < first + half; i += kLanes) {
                const Vector a = hn::LoadU(df, start + i);
                const Vector b = hn::LoadU(df, start + i + half);
                hn::StoreU(hn::Add(a, b), df, start + i);
                hn::StoreU(hn::Sub(a, b), df, start + i + half);
            }
        }
    }
    for (int64_t i = 0; i < block; i += kLanes) {
        hn::StoreU(hn::Mul(hn::LoadU(df, start + i), hn::Set(df, scale)), df, start + i);
    }
}

void transformBlocks(float* x, int64_t rows, int64_t size, int64_t block) {
    if (block < kLanes) {
        reference::blockHadamard(x, rows, size, block);
        return;
    }
    const float scale = 1.0F / std::sqrt(static_cast<float>(block));
    for (float* start = x; start < x + rows * size; start += block) {
        transformBlock(start, block, scale);
    }
}

} // namespace
} // namespace caldera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace caldera::kernels {

HWY_EXPORT(transformBlocks);

void blockHadamard(float* x, int64_t rows, int64_t size, int64_t block) {
    HWY_DYNAMIC_DISPATCH(transformBlocks)(x, rows, size, block);
}

} // namespace caldera::kernels
#endif
