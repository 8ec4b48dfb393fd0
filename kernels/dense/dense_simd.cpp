// One body compiled for every instruction set that the processor may have; the best is chosen when
// the program runs.
#include "kernels/dense/dense.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dense/dense_simd.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace caldera::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<float>;
using Vector = hn::Vec<Tag>;

/// Highway's Exp is only right below the overflow.
constexpr float kLargestExponent = 88.0F;

HWY_INLINE Vector loadValues(const float* values) {
    return hn::LoadU(Tag(), values);
}

HWY_INLINE Vector loadValues(const uint16_t* bf16) {
    const hn::Rebind<uint16_t, Tag> narrow;
    const hn::RebindToUnsigned<Tag> wide;
    return hn::BitCast(Tag(), hn::ShiftLeft<16>(hn::PromoteTo(wide, hn::LoadU(narrow, bf16))));
}

HWY_INLINE Vector loadValues(const int8_t* values) {
    const hn::Rebind<int8_t, Tag> narrow;
    const hn::RebindToSigned<Tag> wide;
    return hn::ConvertTo(Tag(), hn::PromoteTo(wide, hn::LoadU(narrow, values)));
}

HWY_INLINE float oneValue(float value) {
    return value;
}
HWY_INLINE float oneValue(uint16_t bf16) {
    const uint32_t bits = static_cast<uint32_t>(bf16) << 16;
    float value;
    hwy::CopyBytes<sizeof(float)>(&bits, &value);
    return value;
}
HWY_INLINE float oneValue(int8_t value) {
    return static_cast<float>(value);
}

/// kRows x kVectors outputs at once, so that every loaded value is used several times.
template <int kRows, int kVectors, class Value>
HWY_INLINE void multiplyTile(const Value* w, int64_t wStride, int64_t columns, const float* x,
                             int64_t xStride, float* y, int64_t yStride) {
    const Tag tag;
    const auto lanes = static_cast<int64_t>(hn::Lanes(tag));
    Vector sums[kRows][kVectors];
    for (auto& row : sums) {
        for (auto& sum : row) {
            sum = hn::Zero(tag);
        }
    }
    int64_t c = 0;
    for (; c + lanes <= columns; c += lanes) {
        Vector inputs[kVectors];
        for (int t = 0; t < kVectors; ++t) {
            inputs[t] = hn::LoadU(tag, x + t * xStride + c);
        }
        for (int r = 0; r < kRows; ++r) {
            const Vector weights = loadValues(w + r * wStride + c);
            for (int t = 0; t < kVectors; ++t) {
                sums[r][t] = hn::MulAdd(weights, inputs[t], sums[r][t]);
            }
        }
    }
    for (int r = 0; r < kRows; ++r) {
        for (int t = 0; t < kVectors; ++t) {
            float sum = hn::GetLane(hn::SumOfLanes(tag, sums[r][t]));
            for (int64_t rest = c; rest < columns; ++rest) {
                sum += oneValue(w[r * wStride + rest]) * x[t * xStride + rest];
            }
            y[t * yStride + r] = sum;
        }
    }
}

/// kVectors vectors times all rows of the block.
template <int kRows, int kVectors, class Value>
HWY_INLINE void multiplyColumns(const RowBlock<Value>& w, const float* x, int64_t xStride, float* y,
                                int64_t yStride) {
    int64_t r = 0;
    for (; r + kRows <= w.rows; r += kRows) {
        multiplyTile<kRows, kVectors>(w.values + r * w.stride, w.stride, w.columns, x, xStride,
                                      y + r, yStride);
    }
    for (; r < w.rows; ++r) {
        multiplyTile<1, kVectors>(w.values + r * w.stride, w.stride, w.columns, x, xStride, y + r,
                                  yStride);
    }
}

template <class Value>
HWY_INLINE void multiplyBlock(const RowBlock<Value>& w, const InputVectors& x,
                              const OutputVectors& y) {
    int64_t t = 0;
    for (; t + 4 <= x.count; t += 4) {
        multiplyColumns<2, 4>(w, x.values + t * x.stride, x.stride, y.values + t * y.stride,
                              y.stride);
    }
    for (; t < x.count; ++t) {
        multiplyColumns<8, 1>(w, x.values + t * x.stride, x.stride, y.values + t * y.stride,
                              y.stride);
    }
}

void multiplyFloat(const RowBlock<float>& w, const InputVectors& x, const OutputVectors& y) {
    multiplyBlock(w, x, y);
}

void multiplyBf16(const RowBlock<uint16_t>& w, const InputVectors& x, const OutputVectors& y) {
    multiplyBlock(w, x, y);
}

void multiplyInt8(const RowBlock<int8_t>& w, const InputVectors& x, const OutputVectors& y) {
    multiplyBlock(w, x, y);
}

template <int kWidth>
HWY_INLINE void addRowsAt(const RowBlock<float>& rows, const float* weights, float* sum,
                          int64_t column) {
    const Tag tag;
    const auto lanes = static_cast<int64_t>(hn::Lanes(tag));
    Vector sums[kWidth];
    for (int i = 0; i < kWidth; ++i) {
        sums[i] = hn::LoadU(tag, sum + column + i * lanes);
    }
    for (int64_t r = 0; r < rows.rows; ++r) {
        const Vector weight = hn::Set(tag, weights[r]);
        const float* row = rows.values + r * rows.stride + column;
        for (int i = 0; i < kWidth; ++i) {
            sums[i] = hn::MulAdd(weight, hn::LoadU(tag, row + i * lanes), sums[i]);
        }
    }
    for (int i = 0; i < kWidth; ++i) {
        hn::StoreU(sums[i], tag, sum + column + i * lanes);
    }
}

void addRows(const RowBlock<float>& rows, const float* weights, float* sum) {
    const auto lanes = static_cast<int64_t>(hn::Lanes(Tag()));
    int64_t c = 0;
    for (; c + 8 * lanes <= rows.columns; c += 8 * lanes) {
        addRowsAt<8>(rows, weights, sum, c);
    }
    for (; c + 4 * lanes <= rows.columns; c += 4 * lanes) {
        addRowsAt<4>(rows, weights, sum, c);
    }
    for (; c + lanes <= rows.columns; c += lanes) {
        addRowsAt<1>(rows, weights, sum, c);
    }
    for (; c < rows.columns; ++c) {
        for (int64_t r = 0; r < rows.rows; ++r) {
            sum[c] += weights[r] * rows.values[r * rows.stride + c];
        }
    }
}

float expSum(float* x, int64_t count, float max) {
    const Tag tag;
    const hn::CappedTag<float, 1> single;
    const auto lanes = static_cast<int64_t>(hn::Lanes(tag));
    const Vector shift = hn::Set(tag, max);
    Vector sums = hn::Zero(tag);
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const Vector value = hn::Exp(tag, hn::Sub(hn::LoadU(tag, x + i), shift));
        hn::StoreU(value, tag, x + i);
        sums = hn::Add(sums, value);
    }
    float sum = hn::GetLane(hn::SumOfLanes(tag, sums));
    for (; i < count; ++i) {
        x[i] = hn::GetLane(hn::Exp(single, hn::Set(single, x[i] - max)));
        sum += x[i];
    }
    return sum;
}

void gateUp(float* gate, const float* up, int64_t count) {
    const Tag tag;
    const hn::CappedTag<float, 1> single;
    const auto lanes = static_cast<int64_t>(hn::Lanes(tag));
    const Vector largest = hn::Set(tag, kLargestExponent);
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const Vector value = hn::LoadU(tag, gate + i);
        const Vector exponent = hn::Min(hn::Neg(value), largest);
        const Vector divisor = hn::Add(hn::Set(tag, 1.0F), hn::Exp(tag, exponent));
        hn::StoreU(hn::Mul(hn::Div(value, divisor), hn::LoadU(tag, up + i)), tag, gate + i);
    }
    for (; i < count; ++i) {
        const float exponent = HWY_MIN(-gate[i], kLargestExponent);
        const float power = hn::GetLane(hn::Exp(single, hn::Set(single, exponent)));
        gate[i] = gate[i] / (1.0F + power) * up[i];
    }
}

float sumOfSquares(const float* x, int64_t count) {
    const Tag tag;
    const auto lanes = static_cast<int64_t>(hn::Lanes(tag));
    Vector sums[2] = {hn::Zero(tag), hn::Zero(tag)};
    int64_t i = 0;
    for (; i + 2 * lanes <= count; i += 2 * lanes) {
        for (int j = 0; j < 2; ++j) {
            const Vector value = hn::LoadU(tag, x + i + j * lanes);
            sums[j] = hn::MulAdd(value, value, sums[j]);
        }
    }
    float sum = hn::GetLane(hn::SumOfLanes(tag, hn::Add(sums[0], sums[1])));
    for (; i < count; ++i) {
        sum += x[i] * x[i];
    }
    return sum;
}

void normalize(const float* x, const float* weight, int64_t count, float epsilon, float* out) {
    const Tag tag;
    const auto lanes = static_cast<int64_t>(hn::Lanes(tag));
    const float mean = sumOfSquares(x, count) / static_cast<float>(count);
    const float scale = 1.0F / std::sqrt(mean + epsilon);
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const Vector scaled = hn::Mul(hn::LoadU(tag, x + i), hn::Set(tag, scale));
        hn::StoreU(hn::Mul(scaled, hn::LoadU(tag, weight + i)), tag, out + i);
    }
    for (; i < count; ++i) {
        out[i] = x[i] * scale * weight[i];
    }
}

void multiplyPairs(const float* a, const float* b, int64_t count, float* out) {
    const Tag tag;
    const auto lanes = static_cast<int64_t>(hn::Lanes(tag));
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        hn::StoreU(hn::Mul(hn::LoadU(tag, a + i), hn::LoadU(tag, b + i)), tag, out + i);
    }
    for (; i < count; ++i) {
        out[i] = a[i] * b[i];
    }
}

} // namespace HWY_NAMESPACE
} // namespace caldera::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace caldera::kernels {

HWY_EXPORT(multiplyFloat);
HWY_EXPORT(multiplyBf16);
HWY_EXPORT(multiplyInt8);
HWY_EXPORT(addRows);
HWY_EXPORT(expSum);
HWY_EXPORT(gateUp);
HWY_EXPORT(normalize);
HWY_EXPORT(multiplyPairs);

void multiply(const RowBlock<float>& w, const InputVectors& x, const OutputVectors& y) {
    HWY_DYNAMIC_DISPATCH(multiplyFloat)(w, x, y);
}

void multiply(const RowBlock<uint16_t>& w, const InputVectors& x, const OutputVectors& y) {
    HWY_DYNAMIC_DISPATCH(multiplyBf16)(w, x, y);
}

void multiply(const RowBlock<int8_t>& w, const InputVectors& x, const OutputVectors& y) {
    HWY_DYNAMIC_DISPATCH(multiplyInt8)(w, x, y);
}

void addWeightedRows(const RowBlock<float>& rows, const float* weights, float* sum) {
    HWY_DYNAMIC_DISPATCH(addRows)(rows, weights, sum);
}

float expAndSum(float* x, int64_t count, float max) {
    return HWY_DYNAMIC_DISPATCH(expSum)(x, count, max);
}

void swiGlu(float* gate, const float* up, int64_t count) {
    HWY_DYNAMIC_DISPATCH(gateUp)(gate, up, count);
}

void rmsNorm(const float* x, const float* weight, int64_t count, float epsilon, float* out) {
    HWY_DYNAMIC_DISPATCH(normalize)(x, weight, count, epsilon, out);
}

void multiplyEach(const float* a, const float* b, int64_t count, float* out) {
    HWY_DYNAMIC_DISPATCH(multiplyPairs)(a, b, count, out);
}

} // namespace caldera::kernels
#endif
