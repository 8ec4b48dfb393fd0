// E8P and a second code for what it leaves: 3 and 4 bits a weight (docs/formats/codecs.md). What
// the functions do is the specification.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace caldera::kernels {

/// Value = E8P word + step * second code's value. The second code is one of the 256 points of
/// E8RootBook (3 bits a weight in all) or another E8P word (4 bits). The low byte of a word comes
/// first.
struct E8pPair {
    const char* id = "";
    int bytes = 3; ///< of eight weights
    /// A multiple of 2^-10, so that all values are exact in f32. There is no other one: encoder and
    /// decoder share it.
    float step = 0;
    float inputRms = 1; ///< RMS of the input that is encoded best

    bool endsInWord() const { return bytes == 4; }
    double bitsPerWeight() const { return bytes; }
};

/// Null when the id is unknown.
const E8pPair* e8pPair(std::string_view id);

/// x [count, 8], divided by their scale, to codes [count, bytes] and their values decoded
/// [count, 8]. Inputs are taken to the grid of e8pEncode, and the arithmetic is exact from there
/// on, so every machine returns the same codes. NaN counts as 0.
void e8pPairEncode(const E8pPair& pair, const float* x, int64_t count, uint8_t* codes,
                   float* decoded);

/// codes [count, bytes] to values [count, 8].
void e8pPairDecode(const E8pPair& pair, const uint8_t* codes, int64_t count, float* values);

} // namespace caldera::kernels
