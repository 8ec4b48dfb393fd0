#include <array>
#include <cstring>

#include "kernels/trellis/trellis.h"

namespace caldera::kernels {
namespace {

// Made by training/train.cpp. Alignment to words: products look up four bytes at once.
alignas(64) constexpr std::array<int8_t, (1 << 11) * 4> kV4k6m6 = {
#include "kernels/trellis/tables/v4k6m6.inc"
};
alignas(64) constexpr std::array<int8_t, (1 << 11) * 4> kV4k8m4 = {
#include "kernels/trellis/tables/v4k8m4.inc"
};
alignas(64) constexpr std::array<int8_t, (1 << 13) * 4> kV4k10m4 = {
#include "kernels/trellis/tables/v4k10m4.inc"
};
alignas(64) constexpr std::array<int8_t, (1 << 11) * 2> kV2k6m6 = {
#include "kernels/trellis/tables/v2k6m6.inc"
};
alignas(64) constexpr std::array<int8_t, (1 << 11) * 2> kV2k8m4 = {
#include "kernels/trellis/tables/v2k8m4.inc"
};

// Steps: the range of +-128 steps that gave the least error; a wider one rounds more coarsely, a
// narrower one cuts the outermost entries.
const std::array<TrellisCode, 5> kCodes = {{
    {"trellis-v4k6m6", 4, 6, 6, 3.25F / 128, 1.0F, kV4k6m6},
    {"trellis-v4k8m4", 4, 8, 4, 3.5F / 128, 1.0F, kV4k8m4},
    {"trellis-v4k10m4", 4, 10, 4, 3.625F / 128, 1.0F, kV4k10m4},
    {"trellis-v2k6m6", 2, 6, 6, 3.75F / 128, 1.0F, kV2k6m6},
    {"trellis-v2k8m4", 2, 8, 4, 3.625F / 128, 1.0F, kV2k8m4},
}};

} // namespace

std::span<const TrellisCode> trellisCodes() {
    return kCodes;
}

const TrellisCode* trellisCode(std::string_view id) {
    for (const TrellisCode& code : kCodes) {
        if (code.id == id) {
            return &code;
        }
    }
    return nullptr;
}

uint64_t trellisTableHash(const TrellisCode& code) {
    uint64_t hash = 0xCBF29CE484222325U;
    const auto add = [&hash](uint8_t byte) { hash = (hash ^ byte) * 0x100000001B3U; };
    uint32_t step = 0;
    std::memcpy(&step, &code.step, sizeof step);
    for (int shift = 0; shift < 32; shift += 8) {
        add(static_cast<uint8_t>(step >> shift));
    }
    for (const int8_t entry : code.table) {
        add(static_cast<uint8_t>(entry));
    }
    return hash;
}

std::vector<uint32_t> trellisByteTable(const TrellisCode& code) {
    constexpr uint32_t kBias = 128;
    const uint32_t top = 1U << (code.windowBits() - 1);
    std::vector<uint32_t> words(2 * static_cast<size_t>(top), 0);
    for (uint32_t window = 0; window < top; ++window) {
        for (int j = 0; j < code.columns; ++j) {
            const int entry = code.table[window * code.columns + j];
            words[window] |= (static_cast<uint32_t>(entry) + kBias) << (8 * j);
            words[window | top] |= (static_cast<uint32_t>(~entry) + kBias) << (8 * j);
        }
    }
    return words;
}

} // namespace caldera::kernels
