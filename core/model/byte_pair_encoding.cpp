#include "core/model/byte_pair_encoding.h"

#include <queue>
#include <tuple>

#include "core/base/pause.h"

namespace caldera {

namespace {

/// A token of the piece in work, linked to its neighbours; token -1 was merged away.
struct Symbol {
    int32_t token = -1;
    int32_t previous = -1;
    int32_t next = -1;
};

/// A possible merge of the symbol at `position` with the next one.
struct Candidate {
    int32_t rank;
    int32_t position;
    int32_t merged;
    bool operator<(const Candidate& other) const { // best rank, then leftmost, on top
        return std::tie(rank, position) > std::tie(other.rank, other.position);
    }
};

uint64_t pairKey(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

} // namespace

void BytePairEncoding::addMerge(int32_t left, int32_t right, int32_t merged) {
    merges_[pairKey(left, right)] = {nextRank_++, merged};
}

const BytePairEncoding::Merge* BytePairEncoding::mergeOf(int32_t left, int32_t right) const {
    const auto found = merges_.find(pairKey(left, right));
    return found == merges_.end() ? nullptr : &found->second;
}

void BytePairEncoding::encode(std::string_view piece, const std::stop_token& stop,
                              std::vector<int32_t>& out) const {
    std::vector<Symbol> symbols;
    symbols.reserve(piece.size());
    for (const char byte : piece) {
        const int32_t token = byteTokens_[static_cast<uint8_t>(byte)];
        if (token >= 0) {
            const auto index = static_cast<int32_t>(symbols.size());
            symbols.push_back({token, index - 1, index + 1});
        }
    }
    if (symbols.empty()) {
        return;
    }
    symbols.back().next = -1;

    std::priority_queue<Candidate> candidates;
    const auto consider = [&](int32_t position) {
        const int32_t next = position < 0 ? -1 : symbols[position].next;
        if (next >= 0) {
            if (const Merge* merge = mergeOf(symbols[position].token, symbols[next].token)) {
                candidates.push({merge->rank, position, merge->merged});
            }
        }
    };
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
        checkCancelled(stop);
        consider(static_cast<int32_t>(i));
    }
    while (!candidates.empty()) {
        checkCancelled(stop);
        const Candidate best = candidates.top();
        candidates.pop();
        Symbol& left = symbols[best.position];
        if (left.token < 0 || left.next < 0) {
            continue;
        }
        Symbol& right = symbols[left.next];
        const Merge* merge = mergeOf(left.token, right.token);
        if (merge == nullptr || merge->merged != best.merged) {
            continue; // its neighbours have changed since
        }
        left.token = best.merged;
        left.next = right.next;
        right.token = -1;
        if (left.next >= 0) {
            symbols[left.next].previous = best.position;
        }
        consider(best.position);
        consider(left.previous);
    }
    for (int32_t i = 0; i >= 0; i = symbols[i].next) {
        out.push_back(symbols[i].token);
    }
}

} // namespace caldera
