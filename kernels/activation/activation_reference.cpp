#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/activation/activation.h"
#include "kernels/hadamard/hadamard.h"

namespace caldera::kernels::reference {

namespace {

constexpr float kLargestCode = 127;

/// values [count] to codes; returns their scale.
float quantizeBlock(const float* values, int64_t count, int8_t* codes) {
    float largest = 0;
    for (int64_t i = 0; i < count; ++i) {
        largest = std::max(largest, std::abs(values[i]));
    }
    const float inverse = largest > 0 ? kLargestCode / largest : 0;
    for (int64_t i = 0; i < count; ++i) {
        codes[i] = static_cast<int8_t>(std::nearbyint(values[i] * inverse));
    }
    return largest / kLargestCode;
}

} // namespace

void quantizeInput(const float* x, const float* sign, Rotation rotation,
                   const QuantizedVectorOut& out) {
    std::vector<float> rotated(x, x + rotation.size);
    for (int64_t i = 0; i < rotation.size; ++i) {
        rotated[i] *= sign[i];
    }
    blockHadamard(rotated.data(), 1, rotation.size, rotation.block);
    std::fill_n(out.codes, out.blocks * kQuantizedBlock, int8_t{0});
    for (int64_t block = 0; block < out.blocks; ++block) {
        const int64_t first = block * kQuantizedBlock;
        const int64_t count = std::clamp<int64_t>(rotation.size - first, 0, kQuantizedBlock);
        int8_t* codes = out.codes + first;
        out.scale[block] = quantizeBlock(rotated.data() + first, count, codes);
        out.sum[block] = 0;
        for (int64_t i = 0; i < count; ++i) {
            out.sum[block] += codes[i];
        }
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
