// The weight of a token, in steps that round alike on processors and GPUs.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define CALDERA_WEIGHT_FUNCTION __device__ inline
#else
#include <bit>
#define CALDERA_WEIGHT_FUNCTION inline
#endif

#include "kernels/sample/sample.h"

namespace caldera::kernels::sample {

#ifdef __CUDACC__
__device__ inline float times(float a, float b) {
    return __fmul_rn(a, b);
}
__device__ inline float plus(float a, float b) {
    return __fadd_rn(a, b);
}
__device__ inline int32_t bitsOf(float value) {
    return __float_as_int(value);
}
__device__ inline float fromBits(int32_t bits) {
    return __int_as_float(bits);
}
#else
// Compiled without contraction to fused operations.
inline float times(float a, float b) {
    return a * b;
}
inline float plus(float a, float b) {
    return a + b;
}
inline int32_t bitsOf(float value) {
    return std::bit_cast<int32_t>(value);
}
inline float fromBits(int32_t bits) {
    return std::bit_cast<float>(bits);
}
#endif

/// kSampleUnit * 2^((logit - largest) * sharpness), rounded down; 0 of a NaN.
CALDERA_WEIGHT_FUNCTION int32_t weightOf(float logit, float largest, float sharpness) {
    constexpr float kLeastPower = -31; // half of the least weight, so 0
    constexpr int kMantissaBits = 23;
    constexpr int kUnitBits = 30;
    const float power = times(plus(logit, -largest), sharpness);
    const float bounded = power > kLeastPower ? power : kLeastPower; // of a NaN, too
    const auto towardsZero = static_cast<int32_t>(bounded);
    const int32_t whole = towardsZero - (static_cast<float>(towardsZero) > bounded ? 1 : 0);
    const float rest = plus(bounded, -static_cast<float>(whole)); // [0, 1]
    // 2^rest through seven points of it; within 8e-8, and exact at both ends.
    float value = 0.000208179146F;
    value = plus(times(value, rest), 0.00126921665F);
    value = plus(times(value, rest), 0.0096521955F);
    value = plus(times(value, rest), 0.0554960221F);
    value = plus(times(value, rest), 0.240227208F);
    value = plus(times(value, rest), 0.693147182F);
    value = plus(times(value, rest), 1);
    const auto weight =
        static_cast<int32_t>(fromBits(bitsOf(value) + ((whole + kUnitBits) << kMantissaBits)));
    return weight < kSampleUnit ? weight : kSampleUnit;
}

} // namespace caldera::kernels::sample
