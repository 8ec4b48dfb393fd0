// The E8P12 codebook, from which every table of every implementation is made.
#pragma once

#include <array>
#include <cstdint>

namespace caldera::kernels {

/// Bit q of a codeword's low byte belongs to coordinate kE8pSlots[q].
inline constexpr std::array<int, 8> kE8pSlots = {0, 2, 4, 6, 1, 3, 5, 7};

/// Twice a point of the half-integer grid: odd numbers.
using E8pPoint = std::array<int8_t, 8>;

class E8pCodebook {
public:
    static const E8pCodebook& instance();

    /// Twice the magnitudes of abs entry `index` (0..255).
    const E8pPoint& magnitudes(int index) const { return magnitudes_[index]; }
    bool hasOddSum(int index) const { return oddSum_[index]; }
    /// The entry whose doubled magnitudes are given, or -1.
    int find(const E8pPoint& magnitudes) const;
    /// Twice the lattice point of a codeword, before the shift of a quarter.
    E8pPoint point(uint16_t code) const;
    /// The codeword of a lattice point whose abs entry is `index`; bit j of `negative` is set when
    /// coordinate j is negative. `minusQuarter` chooses the shift.
    uint16_t codeword(int index, uint32_t negative, bool minusQuarter) const;
    /// The entry as a 32-bit word of nibbles 2 * value + 8 in slot order, slot 7 negated when the
    /// sum is odd: how kernels of the literature store it, and what tableHash() covers.
    uint32_t packedWord(int index) const;
    /// FNV-1a over the 256 packed words, little-endian: 0xbede9441.
    uint32_t tableHash() const;

private:
    E8pCodebook();
    std::array<E8pPoint, 256> magnitudes_;
    std::array<bool, 256> oddSum_;
};

/// True when the word is shifted by -1/4 (an odd number of bits in its low byte), false for +1/4.
bool e8pMinusQuarter(uint16_t code);

} // namespace caldera::kernels
