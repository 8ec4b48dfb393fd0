// Tables that the SIMD code of E8P reads, made once from the codebook.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernels/e8p/codebook.h"

namespace caldera::kernels {

struct alignas(64) E8pTables {
    static const E8pTables& instance();

    /// Decoding: value = bit pattern of magnitude[high byte] XOR sign[low byte], plus the shift.
    /// The magnitude of coordinate 7 is already negated where the sum is odd.
    alignas(64) std::array<std::array<float, 8>, 256> magnitude;
    alignas(64) std::array<std::array<uint32_t, 8>, 256> sign;
    alignas(64) std::array<float, 256> shift; ///< +-1/4 by low byte

    /// Encoding: twice the magnitudes by coordinate, the squared norm of the doubled point, and 2
    /// where entries with an odd (even) sum need one more sign change, else 0.
    alignas(64) std::array<std::array<float, 256>, 8> twiceByCoordinate;
    alignas(64) std::array<float, 256> squaredNorm;
    alignas(64) std::array<std::array<float, 256>, 2> flipFactor; ///< [odd negatives of x]
    alignas(64) std::array<float, 256> number;                    ///< 0, 1, 2, ...
    /// Entry of magnitudes (2 m_j + 1) / 2 at sum m_j 3^j, or -1.
    std::array<int16_t, 6561> entry;

private:
    E8pTables();
};

/// Decoding to whole numbers: value = (number + 1/2) / 2.
inline constexpr float kE8pNumberStep = 0.5F;
/// [2, 256, 8]: the number of coordinate j is byte j of the high byte's entry XOR byte j of the low
/// byte's, the second half.
std::span<const int8_t> e8pNumbers();

/// By byte j: coordinate j is negated where the low byte has odd parity under the mask. That is its
/// own bit, but for the first one, which also says whether all is one quarter less.
inline constexpr uint64_t kE8pSignMasks = [] {
    uint64_t masks = 0;
    for (int slot = 0; slot < 8; ++slot) {
        masks |= (slot == 0 ? uint64_t{0xFE} : uint64_t{1} << slot) << (8 * kE8pSlots[slot]);
    }
    return masks;
}();

/// The same as words of 64 bits, coordinate 0 in the lowest byte: first[high byte] XOR
/// second[low byte] has number + 128 in each.
struct E8pByteTables {
    static const E8pByteTables& instance();

    alignas(64) std::array<uint64_t, 256> first;
    alignas(64) std::array<uint64_t, 256> second;

private:
    E8pByteTables();
};

} // namespace caldera::kernels
