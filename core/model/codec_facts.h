// What a plan and an artifact's layout must know of the codecs for Q; the codecs themselves are in
// core/codec.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace caldera {

struct CodecFacts {
    const char* id;     ///< in artifacts and reports: "trellis-v4k8m4"
    const char* family; ///< in plans: "trellis"
    double bits;        ///< of a weight's code
    int columns;        ///< encoded together; Q's columns pad to a multiple
};

/// Every codec for Q of this version, by family and rising bits.
std::span<const CodecFacts> codecFacts();
/// Null when the family has no codec of so many bits.
const CodecFacts* findCodecFacts(std::string_view family, double bits);
/// "e8p-2, trellis-1.5, ...": families with bits, as plans choose them.
std::string codecChoices();

} // namespace caldera
