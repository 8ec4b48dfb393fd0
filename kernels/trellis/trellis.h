// The vector trellis code of docs/formats/codecs.md: 16 rows by V columns in one string of bits.
// The functions in `reference` are the specification; the others return exactly what they do
// (codes and decoded values) or the same up to the order of f32 additions (products).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/activation/activation.h"
#include "kernels/common/product.h"
#include "kernels/dense/dense.h"

namespace caldera::kernels {

inline constexpr int kTrellisRows = 16;        ///< rows of a group: a string, and a scale
inline constexpr int kTrellisFractionBits = 6; ///< of inputs, in units of half a table step

/// One member of the family: V columns a step, k new bits a step, m bits of memory, m <= k.
struct TrellisCode {
    const char* id = ""; ///< "trellis-v4k8m4"
    int columns = 4;     ///< V
    int newBits = 8;     ///< k
    int memoryBits = 4;  ///< m
    float step = 0;      ///< value = (entry + 1/2) * step
    float inputRms = 1;  ///< RMS of the input that is encoded best
    /// [2^(k + m - 1), V]. The window's top bit is no part of the index: it negates.
    std::span<const int8_t> table;

    int windowBits() const { return newBits + memoryBits; }
    int groupBytes() const { return 2 * newBits; }
    double bitsPerWeight() const { return static_cast<double>(newBits) / columns; }
    /// Inputs times this, rounded to nearest even, are what the encoder compares.
    float inputFactor() const { return static_cast<float>(2 << kTrellisFractionBits) / step; }
};

/// The codes that this version knows, by rising bits.
std::span<const TrellisCode> trellisCodes();
/// Null when the id is unknown.
const TrellisCode* trellisCode(std::string_view id);
/// FNV-1a (64 bit) over step (as the bytes of its f32) and table.
uint64_t trellisTableHash(const TrellisCode& code);

/// A packed matrix. Group (g, b), rows [16 g, 16 g + 16) and columns [V b, V b + V), begins at byte
/// (g * blocks + b) * 2 k. Value = scale[g] * decoded.
struct TrellisMatrix {
    const TrellisCode* code = nullptr;
    const uint8_t* codes = nullptr; ///< [groups, blocks, 2 k]
    const float* scale = nullptr;   ///< [groups]
    int64_t groups = 0;
    int64_t blocks = 0;
};

/// x [groups, 16, V], divided by their scale, to codes [groups, 2 k] and their values decoded
/// [groups, 16, V]. Inputs are fixed-point numbers from there on and the arithmetic is exact, so
/// every machine returns the same codes. NaN counts as 0.
void trellisEncode(const TrellisCode& code, const float* x, int64_t groups, uint8_t* codes,
                   float* decoded);

/// codes [groups, 2 k] to values [groups, 16, V].
void trellisDecode(const TrellisCode& code, const uint8_t* codes, int64_t groups, float* values);

/// The groups of 16 rows, one behind another [blocks, 2 k], to their rows: values [16, V * blocks].
void trellisDecodeRows(const TrellisCode& code, const uint8_t* codes, int64_t blocks,
                       float* values);

/// y[t][16 g + i] += scale[g] * (Q x[t])[16 g + i] for the groups of the range and every vector of
/// the batch: x [count, V * blocks], y [count, 16 * groups]. Each group is decoded once.
void trellisGemm(const TrellisMatrix& q, const InputBatch& batch, GroupRange range);

/// What integer products look up: for each window, top bit included, its V entries as bytes of a
/// word, 128 added, the first one lowest.
std::vector<uint32_t> trellisByteTable(const TrellisCode& code);

/// y[t][16 g + i] += scale[g] * (Q x[t])[16 g + i] for the groups of the range: products of whole
/// numbers, exact within each 128 columns, so an output depends on nothing but its own row and
/// vector. `byteTable` is the code's; x holds all columns. y [count, stride].
void trellisIntegerProduct(const TrellisMatrix& q, const uint32_t* byteTable,
                           const QuantizedBatch& x, const OutputVectors& y, GroupRange range);

namespace reference {
void trellisIntegerProduct(const TrellisMatrix& q, const QuantizedBatch& x, const OutputVectors& y,
                           GroupRange range);
void trellisEncode(const TrellisCode& code, const float* x, int64_t groups, uint8_t* codes,
                   float* decoded);
/// The least error that codes can have: every boundary state is tried, at 2^m / 3 times the work.
/// What trellisEncode loses against it is the price of its guess.
void trellisEncodeExhaustively(const TrellisCode& code, const float* x, int64_t groups,
                               uint8_t* codes, float* decoded);
void trellisDecode(const TrellisCode& code, const uint8_t* codes, int64_t groups, float* values);
/// trellisGemm of one vector.
void trellisGemv(const TrellisMatrix& q, const float* x, float* y, GroupRange range);
} // namespace reference

} // namespace caldera::kernels
