// Scalar codes in groups of 64 neighbours in a row, each with a scale of its own
// (docs/formats/codecs.md). What the functions do is the specification.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace caldera {

inline constexpr int kScalarGroup = 64;     ///< values that share a scale
inline constexpr int kScalarScaleBytes = 2; ///< fp16, before the codes of its group

struct ScalarCode {
    const char* id = ""; ///< "scalar-4g64", "nf-4g64"
    int bits = 4;
    std::span<const float> levels; ///< [2^bits] ascending
    /// Half-way between neighbours; empty where levels lie in steps of 1 around 0 and rounding
    /// finds the nearest.
    std::span<const float> boundaries{};

    bool isUniform() const { return boundaries.empty(); }
    int groupBytes() const { return kScalarScaleBytes + kScalarGroup / 8 * bits; }
    double bitsPerWeight() const { return groupBytes() * 8.0 / kScalarGroup; }
    float top() const { return levels.back(); }
};

/// Null when the id is unknown.
const ScalarCode* scalarCode(std::string_view id);

/// x [count, 64] to codes [count, groupBytes] and their values decoded [count, 64]. `cholesky`
/// [64, 64], the lower factor of what errors are weighed with, or null for plain errors: then each
/// value is rounded to its nearest level, else from the last to the first, each corrected by the
/// errors behind it. NaN counts as 0, magnitudes above 65504 as 65504.
void scalarEncode(const ScalarCode& code, const float* x, int64_t count, const float* cholesky,
                  uint8_t* codes, float* decoded);

/// codes [count, groupBytes] to values [count, 64].
void scalarDecode(const ScalarCode& code, const uint8_t* codes, int64_t count, float* values);

} // namespace caldera
