// Random numbers that do not depend on the version of LibTorch: std::mt19937_64 bits.
#pragma once

#include <cstdint>
#include <string_view>

#include <torch/types.h>

namespace caldera {

/// A seed for one use of a run's seed: the same pair gives the same number on every machine.
uint64_t deriveSeed(uint64_t seed, std::string_view use);

/// [rows, columns] f32 on the CPU, each +1 or -1.
torch::Tensor randomSigns(int64_t rows, int64_t columns, uint64_t seed);

} // namespace caldera
