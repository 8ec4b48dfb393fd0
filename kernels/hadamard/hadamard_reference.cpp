#include "kernels/hadamard/hadamard.h"

#include <cmath>

namespace caldera::kernels {

int64_t hadamardBlock(int64_t size, int64_t limit) {
    int64_t block = 1;
    while (block * 2 <= limit && size % (block * 2) == 0) {
        block *= 2;
    }
    return block;
}

namespace reference {

void blockHadamard(float* x, int64_t rows, int64_t size, int64_t block) {
    const float scale = 1.0F / std::sqrt(static_cast<float>(block));
    for (float* start = x; start < x + rows * size; start += block) {
        for (int64_t half = 1; half < block; half *= 2) {
            for (int64_t first = 0; first < block; first += 2 * half) {
                for (int64_t i = first; i < first + half; ++i) {
                    const float a = start[i];
                    const float b = start[i + half];
                    start[i] = a + b;
                    start[i + half] = a - b;
                }
            }
        }
        for (int64_t i = 0; i < block; ++i) {
            start[i] *= scale;
        }
    }
}

} // namespace reference
} // namespace caldera::kernels
