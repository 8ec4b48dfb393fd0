#include "core/linalg/random.h"

#include <random>

#include <ATen/ATen.h>

namespace caldera {

uint64_t deriveSeed(uint64_t seed, std::string_view use) {
    uint64_t hash = 0xCBF29CE484222325ULL ^ seed; // FNV-1a
    for (const char c : use) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    }
    return std::mt19937_64(hash)();
}

torch::Tensor randomSigns(int64_t rows, int64_t columns, uint64_t seed) {
    torch::Tensor signs = at::empty({rows, columns}, at::kFloat);
    auto* out = signs.data_ptr<float>();
    std::mt19937_64 generator(seed);
    uint64_t bits = 0;
    for (int64_t i = 0; i < rows * columns; ++i) {
        if (i % 64 == 0) {
            bits = generator();
        }
        out[i] = (bits >> (i % 64) & 1U) != 0 ? 1.F : -1.F;
    }
    return signs;
}

} // namespace caldera
