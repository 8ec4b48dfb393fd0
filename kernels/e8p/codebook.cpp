#include "kernels/e8p/codebook.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace caldera::kernels {
namespace {

constexpr int kLatticeEntries = 227; ///< every |v| of norm^2 <= 10
/// The entries of norm^2 12: five coordinates 3/2, and 1/2 at these three.
constexpr std::array<std::array<int, 3>, 29> kHalves = {
    {{1, 2, 3}, {0, 2, 3}, {0, 1, 3}, {0, 1, 2}, {3, 6, 7}, {3, 5, 7}, {3, 4, 7}, {3, 5, 6},
     {3, 4, 6}, {3, 4, 5}, {2, 6, 7}, {2, 5, 7}, {2, 4, 7}, {2, 5, 6}, {2, 4, 6}, {2, 4, 5},
     {1, 6, 7}, {1, 5, 7}, {1, 4, 7}, {1, 5, 6}, {1, 4, 6}, {0, 4, 5}, {0, 6, 7}, {0, 5, 7},
     {0, 4, 7}, {0, 5, 6}, {0, 4, 6}, {0, 1, 4}, {2, 3, 7}}};

int squaredNorm(const E8pPoint& twice) {
    return std::inner_product(twice.begin(), twice.end(), twice.begin(), 0);
}

} // namespace

E8pCodebook::E8pCodebook() : magnitudes_{}, oddSum_{} {
    // Counting in base 3 with coordinate 0 most significant visits the entries in order.
    size_t entry = 0;
    for (int number = 0; number < 6561; ++number) {
        E8pPoint twice{};
        for (int j = 7, rest = number; j >= 0; --j, rest /= 3) {
            twice[j] = static_cast<int8_t>(2 * (rest % 3) + 1);
        }
        if (squaredNorm(twice) <= 40) {
            magnitudes_[entry++] = twice;
        }
    }
    for (const auto& halves : kHalves) {
        magnitudes_[entry].fill(3);
        for (const int j : halves) {
            magnitudes_[entry][j] = 1;
        }
        ++entry;
    }
    static_assert(kLatticeEntries + kHalves.size() == 256);
    for (int i = 0; i < 256; ++i) {
        const int twiceSum = std::accumulate(magnitudes_[i].begin(), magnitudes_[i].end(), 0);
        oddSum_[i] = twiceSum / 2 % 2 != 0;
    }
}

const E8pCodebook& E8pCodebook::instance() {
    static const E8pCodebook codebook;
    return codebook;
}

int E8pCodebook::find(const E8pPoint& magnitudes) const {
    const auto lattice = magnitudes_.begin() + kLatticeEntries;
    const auto sorted = std::lower_bound(magnitudes_.begin(), lattice, magnitudes);
    if (sorted != lattice && *sorted == magnitudes) {
        return static_cast<int>(sorted - magnitudes_.begin());
    }
    const auto outer = std::find(lattice, magnitudes_.end(), magnitudes);
    return outer == magnitudes_.end() ? -1 : static_cast<int>(outer - magnitudes_.begin());
}

E8pPoint E8pCodebook::point(uint16_t code) const {
    const int index = code >> 8;
    const uint32_t flips = (code & 0xFFU) ^ (e8pMinusQuarter(code) ? 1U : 0U);
    E8pPoint twice = magnitudes_[index];
    for (int slot = 0; slot < 8; ++slot) {
        const bool preset = slot == 7 && oddSum_[index];
        if (((flips >> slot) & 1U) != static_cast<uint32_t>(preset)) {
            const int j = kE8pSlots[slot];
            twice[j] = static_cast<int8_t>(-twice[j]);
        }
    }
    return twice;
}

uint16_t E8pCodebook::codeword(int index, uint32_t negative, bool minusQuarter) const {
    uint32_t signs = 0;
    for (int slot = 0; slot < 8; ++slot) {
        signs |= ((negative >> kE8pSlots[slot]) & 1U) << slot;
    }
    signs ^= oddSum_[index] ? 0x80U : 0U;
    signs ^= minusQuarter ? 0x01U : 0U;
    return static_cast<uint16_t>((static_cast<uint32_t>(index) << 8) | signs);
}

uint32_t E8pCodebook::packedWord(int index) const {
    uint32_t word = 0;
    for (int slot = 0; slot < 8; ++slot) {
        const int twice = magnitudes_[index][kE8pSlots[slot]];
        const bool negated = slot == 7 && oddSum_[index];
        word |= static_cast<uint32_t>((negated ? -twice : twice) + 8) << (4 * slot);
    }
    return word;
}

uint32_t E8pCodebook::tableHash() const {
    uint32_t hash = 0x811C9DC5U;
    for (int i = 0; i < 256; ++i) {
        const uint32_t word = packedWord(i);
        for (int shift = 0; shift < 32; shift += 8) {
            hash = (hash ^ ((word >> shift) & 0xFFU)) * 0x01000193U;
        }
    }
    return hash;
}

bool e8pMinusQuarter(uint16_t code) {
    return std::popcount(static_cast<uint32_t>(code & 0xFFU)) % 2 != 0;
}

} // namespace caldera::kernels
