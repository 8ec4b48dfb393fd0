// Rows of embeddings and heads as codes of 8 or 4 bits (docs/formats/codecs.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/artifact/artifact.h"

namespace caldera {

/// Largest magnitudes that the scales, fp16 numbers, can stand for.
inline constexpr float kLargestEightBit = 127 * 65504.0F;
inline constexpr float kLargestFourBit = 7 * 65504.0F;

/// Values of a row to codes -127 ... 127, value = scale * code. Returns the scale's fp16 bits.
uint16_t encodeEightBit(std::span<const float> values, int8_t* codes);

/// Values of a row to numbers 0 ... 15, two a byte, the even column in the low nibble, value =
/// scale * (number - 8); the last block is filled up with 8. codes: 32 bytes and scale: one fp16
/// number for each 64 columns. Of the scales tried the first of least squared error is taken.
void encodeFourBit(std::span<const float> values, uint8_t* codes, uint16_t* scale);

/// Row `index` of a table of any bits to out [columns].
void decodeTableRow(const ArtifactTable& table, int64_t index, float* out);

/// Throws Error("artifact.verify") naming the tensor when what its row `index` decodes to is
/// further from the values than rounding explains.
void requireTableRow(const std::string& tensor, const ArtifactTable& table, int64_t index,
                     std::span<const float> values);

} // namespace caldera
