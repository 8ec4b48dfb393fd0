// A code's table in the orders in which the SIMD encoder reads it.
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/trellis/trellis.h"

namespace caldera::kernels {

/// An entry is a window without its top bit: below m bits of the state before (p), above k - m bits
/// (mid), above m - 1 bits of the state after (q without its top bit).
struct TrellisEntries {
    explicit TrellisEntries(int64_t count);
    struct FreeAligned {
        void operator()(void* memory) const;
    };
    /// Odd numbers times -2, -2 (2 e + 1), of columns 0, 1 of every entry, then of columns 2, 3.
    std::unique_ptr<int16_t[], FreeAligned> pairs; ///< [V / 2, count, 2]
    std::unique_ptr<int32_t[], FreeAligned> norm;  ///< [count] squared, in the units of a cost
};

struct TrellisEncodeTables {
    /// Whether the encoder is made for the shape: 2 or 4 columns, 16 to 64 states.
    static bool take(const TrellisCode& shape);
    /// Throws std::invalid_argument for any other shape.
    explicit TrellisEncodeTables(const TrellisCode& code);
    /// Made once for each code of trellisCodes(); null for any other.
    static const TrellisEncodeTables* ofListed(const TrellisCode& code);

    TrellisCode code;
    int64_t count = 0;      ///< entries: 2^(k + m - 1)
    int states = 0;         ///< 2^m
    int mids = 0;           ///< 2^(k - m): windows from one state to another
    TrellisEntries byState; ///< order [p][mid][q]: for steps that reach every q
    TrellisEntries toState; ///< order [q][p][mid]: for tracing back from one q
};

/// As trellisEncode, with tables made before; codes that trellisCodes() does not list need them.
void trellisEncode(const TrellisEncodeTables& tables, const float* x, int64_t groups,
                   uint8_t* codes);

} // namespace caldera::kernels
