// What a plan and an artifact's layout must know of the codecs for Q; the codecs themselves are in
// core/codec.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace caldera {

struct CodecFacts {
    const char* id = "";     ///< in artifacts and reports: "trellis-v4k8m4"
    const char* family = ""; ///< in plans: "trellis"
    double bits = 0;         ///< in plans: of a weight's code
    int columns = 1;         ///< encoded together; Q's columns pad to a multiple
    /// Of a weight's share of the scales that lie among the codes.
    double scaleBits = 0;

    double storedBits() const { return bits + scaleBits; }
};

/// Every codec for Q of this version, by family and rising bits.
std::span<const CodecFacts> codecFacts();
/// Null when the family has no codec of so many bits.
const CodecFacts* findCodecFacts(std::string_view family, double bits);
/// The bits of the family that are nearest, the more half-way; `bits` itself where none is known.
double nearestBits(std::string_view family, double bits);
/// "e8p-2, trellis-1.5, ...": families with bits, as plans choose them.
std::string codecChoices();

/// Id of the codec of a family and number of bits, for Q or the factors: "trellis-v4k8m4",
/// "lloyd-4"; of an unknown one, family and bits.
std::string codecIdOf(std::string_view family, double bits);
/// The codec whose blocks hold factors; null when there is none, or each number of theirs has a
/// code of its own ("lloyd", "none").
const CodecFacts* findFactorFacts(std::string_view family, double bits);
/// Whether factors can be stored with a codec: "lloyd-4", "none-16" and the trellis codes.
bool isFactorCodec(std::string_view id);
/// "lloyd-4, none-16, trellis-1.5, ...": families with bits, as plans choose them for factors.
std::string factorCodecChoices();

} // namespace caldera
