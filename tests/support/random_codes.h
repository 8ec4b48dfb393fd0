// Codes and signs of cells whose values do not matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "core/base/half.h"

namespace caldera::test {

inline std::vector<std::byte> randomBytes(int64_t count, std::mt19937& random) {
    std::vector<std::byte> bytes(static_cast<size_t>(count));
    for (std::byte& byte : bytes) {
        byte = static_cast<std::byte>(random() & 0xFFU);
    }
    return bytes;
}

/// +-1 in fp16.
inline std::vector<uint16_t> randomSigns(int64_t count, std::mt19937& random) {
    std::vector<uint16_t> signs;
    for (int64_t i = 0; i < count; ++i) {
        signs.push_back(floatToFp16((random() & 1U) != 0 ? 1.0F : -1.0F));
    }
    return signs;
}

} // namespace caldera::test
