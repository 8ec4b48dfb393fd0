#include <algorithm>
#include <array>

#include "core/codec/scalar_code.h"

namespace caldera {
namespace {

/// -(2^Bits - 1) / 2 ... (2^Bits - 1) / 2 in steps of 1.
template <int Bits>
constexpr std::array<float, 1 << Bits> uniformLevels() {
    std::array<float, 1 << Bits> levels{};
    for (int i = 0; i < 1 << Bits; ++i) {
        levels[i] = static_cast<float>(i) - static_cast<float>((1 << Bits) - 1) / 2;
    }
    return levels;
}

constexpr auto kUniform2 = uniformLevels<2>();
constexpr auto kUniform3 = uniformLevels<3>();
constexpr auto kUniform4 = uniformLevels<4>();
constexpr auto kUniform8 = uniformLevels<8>();

// Quantiles of N(0, 1) over the largest one: 2^(b - 1) of probabilities from p to 1/2 in even
// steps, without the last, as many less one below, and 0; p = 1 - (1 / (2^b - 1) + 1 / 2^b) / 4.
constexpr std::array<float, 4> kNormal2 = {-1, 0, 0.435818166F, 1};
constexpr std::array<float, 8> kNormal3 = {-1,          -0.535022736F, -0.246931434F, 0,
                                           0.18333748F, 0.381993949F,  0.622985721F,  1};
constexpr std::array<float, 16> kNormal4 = {-1,
                                            -0.696192801F,
                                            -0.525072932F,
                                            -0.394917428F,
                                            -0.284441322F,
                                            -0.1847734F,
                                            -0.0910499766F,
                                            0,
                                            0.0795803145F,
                                            0.160930142F,
                                            0.246112257F,
                                            0.337915123F,
                                            0.44070974F,
                                            0.562616885F,
                                            0.722956657F,
                                            1};

template <size_t Count>
constexpr std::array<float, Count - 1> halfways(const std::array<float, Count>& levels) {
    std::array<float, Count - 1> boundaries{};
    for (size_t i = 0; i + 1 < Count; ++i) {
        boundaries[i] = (levels[i] + levels[i + 1]) / 2;
    }
    return boundaries;
}

constexpr auto kHalfways2 = halfways(kNormal2);
constexpr auto kHalfways3 = halfways(kNormal3);
constexpr auto kHalfways4 = halfways(kNormal4);

constexpr std::array<ScalarCode, 7> kCodes = {{
    {"scalar-2g64", 2, kUniform2},
    {"scalar-3g64", 3, kUniform3},
    {"scalar-4g64", 4, kUniform4},
    {"scalar-8g64", 8, kUniform8},
    {"nf-2g64", 2, kNormal2, kHalfways2},
    {"nf-3g64", 3, kNormal3, kHalfways3},
    {"nf-4g64", 4, kNormal4, kHalfways4},
}};

} // namespace

const ScalarCode* scalarCode(std::string_view id) {
    const auto* found = std::find_if(kCodes.begin(), kCodes.end(),
                                     [&](const ScalarCode& code) { return code.id == id; });
    return found == kCodes.end() ? nullptr : found;
}

} // namespace caldera
