// The table that the CUDA encoder of E8P compares with.
#pragma once

#include <cstdint>

namespace caldera::kernels {

/// [256] in host memory, for as long as the program runs: doubled magnitudes (1, 3, 5) of an entry
/// in its nibbles by coordinate; the top bit is set when the sum of the magnitudes is odd.
const uint32_t* e8pSearchEntries();

} // namespace caldera::kernels
