#include "kernels/e8p/tables.h"

#include <cmath>
#include <numeric>

namespace caldera::kernels {

const E8pTables& E8pTables::instance() {
    static const E8pTables tables;
    return tables;
}

E8pTables::E8pTables() {
    const E8pCodebook& book = E8pCodebook::instance();
    entry.fill(-1);
    for (int i = 0; i < 256; ++i) {
        const E8pPoint& twice = book.magnitudes(i);
        const bool odd = book.hasOddSum(i);
        int key = 0;
        for (int j = 7; j >= 0; --j) {
            key = key * 3 + twice[j] / 2;
            twiceByCoordinate[j][i] = twice[j];
            magnitude[i][j] = static_cast<float>(odd && j == 7 ? -twice[j] : twice[j]) / 2;
        }
        entry[key] = static_cast<int16_t>(i);
        squaredNorm[i] =
            static_cast<float>(std::inner_product(twice.begin(), twice.end(), twice.begin(), 0));
        flipFactor[0][i] = odd ? 2.0F : 0.0F;
        flipFactor[1][i] = odd ? 0.0F : 2.0F;
        number[i] = static_cast<float>(i);

        const bool minus = e8pMinusQuarter(static_cast<uint16_t>(i));
        const uint32_t flips = static_cast<uint32_t>(i) ^ (minus ? 1U : 0U);
        shift[i] = minus ? -0.25F : 0.25F;
        for (int slot = 0; slot < 8; ++slot) {
            sign[i][kE8pSlots[slot]] = ((flips >> slot) & 1U) << 31;
        }
    }
}

namespace {

using Numbers = std::array<std::array<std::array<int8_t, 8>, 256>, 2>;

/// With 2 e + 1 = twice a magnitude, the number is 2 e and 1 more where the shift is + 1/4. All
/// bits but the lowest negate: (~e + 1/2) = -(e + 1/2).
Numbers makeNumbers() {
    constexpr int kNegative = 0xFE;
    const E8pTables& tables = E8pTables::instance();
    Numbers numbers;
    for (size_t i = 0; i < 256; ++i) {
        for (size_t j = 0; j < 8; ++j) {
            const float magnitude = tables.magnitude[i][j];
            const int even = static_cast<int>(2 * std::abs(magnitude)) - 1;
            numbers[0][i][j] = static_cast<int8_t>(magnitude < 0 ? even ^ kNegative : even);
            const int negates = tables.sign[i][j] != 0 ? kNegative : 0;
            numbers[1][i][j] = static_cast<int8_t>(negates | (tables.shift[i] > 0 ? 1 : 0));
        }
    }
    return numbers;
}

} // namespace

std::span<const int8_t> e8pNumbers() {
    static const Numbers numbers = makeNumbers();
    return {numbers.front().front().data(), sizeof(Numbers)};
}

const E8pByteTables& E8pByteTables::instance() {
    static const E8pByteTables tables;
    return tables;
}

E8pByteTables::E8pByteTables() : first{}, second{} {
    constexpr uint8_t kUnsigned = 0x80; // n + 128 as a byte
    const auto numbers = e8pNumbers();
    for (size_t i = 0; i < 256; ++i) {
        for (size_t j = 0; j < 8; ++j) {
            const auto value = static_cast<uint8_t>(numbers[i * 8 + j]);
            const auto sign = static_cast<uint8_t>(numbers[(256 + i) * 8 + j]);
            first[i] |= static_cast<uint64_t>(value ^ kUnsigned) << (8 * j);
            second[i] |= static_cast<uint64_t>(sign) << (8 * j);
        }
    }
}

} // namespace caldera::kernels
