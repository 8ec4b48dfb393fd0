// Between the bits of a group and its 16 windows.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/trellis/trellis.h"

namespace caldera::kernels {

using TrellisWindows = std::array<uint32_t, kTrellisRows>;

/// The windows of a group from its 2 k bytes: the last m bits of the row before below the row's own
/// k bits; the first row follows the last.
inline TrellisWindows unpackTrellis(const TrellisCode& code, const uint8_t* bytes) {
    const uint32_t mask = (1U << code.newBits) - 1;
    TrellisWindows symbols;
    uint64_t buffer = 0;
    int held = 0;
    for (uint32_t& symbol : symbols) {
        while (held < code.newBits) {
            buffer |= static_cast<uint64_t>(*bytes++) << held;
            held += 8;
        }
        symbol = static_cast<uint32_t>(buffer) & mask;
        buffer >>= code.newBits;
        held -= code.newBits;
    }
    const int below = code.newBits - code.memoryBits;
    TrellisWindows windows;
    uint32_t before = symbols[kTrellisRows - 1];
    for (int row = 0; row < kTrellisRows; ++row) {
        windows[row] = (before >> below) | (symbols[row] << code.memoryBits);
        before = symbols[row];
    }
    return windows;
}

/// The 2 k bytes of windows that follow one another.
inline void packTrellis(const TrellisCode& code, const TrellisWindows& windows, uint8_t* bytes) {
    uint64_t buffer = 0;
    int held = 0;
    for (const uint32_t window : windows) {
        buffer |= static_cast<uint64_t>(window >> code.memoryBits) << held;
        for (held += code.newBits; held >= 8; held -= 8) {
            *bytes++ = static_cast<uint8_t>(buffer);
            buffer >>= 8;
        }
    }
}

/// values [V] of a window.
inline void trellisValues(const TrellisCode& code, uint32_t window, float* values) {
    const uint32_t top = 1U << (code.windowBits() - 1);
    const int8_t* entry = code.table.data() + (window & (top - 1)) * code.columns;
    for (int j = 0; j < code.columns; ++j) {
        const int value = (window & top) != 0 ? ~entry[j] : entry[j];
        values[j] = (static_cast<float>(value) + 0.5F) * code.step;
    }
}

/// One input as the encoder sees it.
inline int16_t trellisInput(float x, float factor) {
    const float scaled = x * factor;
    return std::isnan(scaled)
               ? int16_t{0}
               : static_cast<int16_t>(std::lrint(std::clamp(scaled, -32767.0F, 32767.0F)));
}

} // namespace caldera::kernels
