// Byte-pair encoding: which neighbours merge first, into what.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace caldera {

/// Immutable after the last addMerge; thread-safe.
class BytePairEncoding {
public:
    BytePairEncoding() { byteTokens_.fill(-1); }

    /// Token of a single byte. Bytes without one vanish from the text, as in the reference.
    void setByteToken(uint8_t byte, int32_t token) { byteTokens_[byte] = token; }
    /// Merges are added in order of their rank, best first; a repeated pair keeps its last rank.
    void addMerge(int32_t left, int32_t right, int32_t merged);

    /// Appends the tokens of one piece. Throws Cancelled.
    void encode(std::string_view piece, const std::stop_token& stop,
                std::vector<int32_t>& out) const;

private:
    struct Merge {
        int32_t rank = 0;
        int32_t merged = 0;
    };
    const Merge* mergeOf(int32_t left, int32_t right) const;

    std::array<int32_t, 256> byteTokens_{};
    std::unordered_map<uint64_t, Merge> merges_;
    int32_t nextRank_ = 0;
};

} // namespace caldera
