#include <algorithm>
#include <cmath>

#include "kernels/activation/activation.h"
#include "kernels/hadamard/hadamard.h"

namespace caldera::kernels::reference {

namespace {

/// One block of values [count].
void quantizeBlock(const float* values, int64_t count, const QuantizedRow& out) {
    const float largestCode = out.low == nullptr ? kLargestCode8 : kLargestCode16;
    float largest = 0;
    for (int64_t i = 0; i < count; ++i) {
        largest = std::max(largest, std::abs(values[i]));
    }
    const float inverse = largest > kSmallestPeak ? largestCode / largest : 0;
    *out.scale = largest / largestCode;
    *out.sum = 0;
    for (int64_t i = 0; i < count; ++i) {
        const auto code = static_cast<int32_t>(std::nearbyint(values[i] * inverse));
        *out.sum += code;
        if (out.low == nullptr) {
            out.high[i] = static_cast<int8_t>(code);
        } else {
            out.high[i] = static_cast<int8_t>((code + 128) >> 8);
            out.low[i] = static_cast<int8_t>(code - 256 * out.high[i]);
        }
    }
}

} // namespace

void quantize(const float* x, int64_t size, const QuantizedRow& out) {
    std::fill_n(out.high, out.blocks * kQuantizedBlock, int8_t{0});
    if (out.low != nullptr) {
        std::fill_n(out.low, out.blocks * kQuantizedBlock, int8_t{0});
    }
    for (int64_t block = 0; block < out.blocks; ++block) {
        const int64_t first = block * kQuantizedBlock;
        quantizeBlock(x + std::min(first, size),
                      std::clamp<int64_t>(size - first, 0, kQuantizedBlock),
                      {out.high + first, out.low != nullptr ? out.low + first : nullptr,
                       out.scale + block, out.sum + block, 1});
    }
}

void rotateOutput(const float* product, const float* sign, const float* bias, Rotation rotation,
                  float* y) {
    std::copy_n(product, rotation.size, y);
    blockHadamard(y, 1, rotation.size, rotation.block);
    for (int64_t i = 0; i < rotation.size; ++i) {
        y[i] = y[i] * sign[i] + (bias != nullptr ? bias[i] : 0);
    }
}

} // namespace caldera::kernels::reference
