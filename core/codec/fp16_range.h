// Numbers that fp16 holds, and codes that are such numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "core/base/half.h"

namespace caldera {

inline constexpr float kLargestFp16 = 65504;
inline constexpr int kFp16Bytes = 2;

/// x, limited to what fp16 holds; NaN is 0.
inline float withinFp16(float x) {
    return std::isnan(x) ? 0 : std::clamp(x, -kLargestFp16, kLargestFp16);
}

/// Two bytes for x, limited to what fp16 holds. Returns what they stand for.
inline float storeFp16(float x, std::byte* bytes) {
    const uint16_t half = floatToFp16(withinFp16(x));
    std::memcpy(bytes, &half, sizeof half);
    return fp16ToFloat(half);
}

inline float loadFp16(const std::byte* bytes) {
    uint16_t half = 0;
    std::memcpy(&half, bytes, sizeof half);
    return fp16ToFloat(half);
}

} // namespace caldera
