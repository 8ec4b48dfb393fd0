#include "core/model/codec_facts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "core/base/text.h"

namespace caldera {

namespace {

constexpr double kGroupScaleBits = 16.0 / 64; ///< an fp16 scale for 64 weights

constexpr std::array<CodecFacts, 17> kCodecs = {{
    {"e8p-2", "e8p", 2, 8},
    {"e8p-3", "e8p", 3, 8},
    {"e8p-4", "e8p", 4, 8},
    {"trellis-v4k6m6", "trellis", 1.5, 4},
    {"trellis-v4k8m4", "trellis", 2, 4},
    {"trellis-v4k10m4", "trellis", 2.5, 4},
    {"trellis-v2k6m6", "trellis", 3, 2},
    {"trellis-v2k8m4", "trellis", 4, 2},
    {"scalar-2g64", "scalar", 2, 64, kGroupScaleBits},
    {"scalar-3g64", "scalar", 3, 64, kGroupScaleBits},
    {"scalar-4g64", "scalar", 4, 64, kGroupScaleBits},
    {"scalar-8g64", "scalar", 8, 64, kGroupScaleBits},
    {"nf-2g64", "nf", 2, 64, kGroupScaleBits},
    {"nf-3g64", "nf", 3, 64, kGroupScaleBits},
    {"nf-4g64", "nf", 4, 64, kGroupScaleBits},
    {"none-0", "none", 0, 8},
    {"none-16", "none", 16, 8},
}};

constexpr std::array<std::string_view, 2> kNumberCodecs = {"lloyd-4", "none-16"};

/// Factors are thin and their scales belong to rank indices: codes with scales of their own do not
/// fit.
bool suitsFactors(const CodecFacts& facts) {
    return facts.family == std::string_view("trellis");
}

void append(std::string& list, std::string_view word) {
    list += (list.empty() ? "" : ", ") + std::string(word);
}

void append(std::string& list, const CodecFacts& facts) {
    append(list, std::string(facts.family) + "-" + numberText(facts.bits));
}

} // namespace

std::span<const CodecFacts> codecFacts() {
    return kCodecs;
}

const CodecFacts* findCodecFacts(std::string_view family, double bits) {
    for (const CodecFacts& facts : kCodecs) {
        if (facts.family == family && facts.bits == bits) {
            return &facts;
        }
    }
    return nullptr;
}

double nearestBits(std::string_view family, double bits) {
    std::optional<double> nearest;
    for (const CodecFacts& facts : kCodecs) {
        const bool isNearer = !nearest || std::abs(facts.bits - bits) <= std::abs(*nearest - bits);
        if (facts.family == family && isNearer) {
            nearest = facts.bits;
        }
    }
    return nearest.value_or(bits);
}

std::string codecChoices() {
    std::string text;
    for (const CodecFacts& facts : kCodecs) {
        append(text, facts);
    }
    return text;
}

std::string codecIdOf(std::string_view family, double bits) {
    const CodecFacts* facts = findCodecFacts(family, bits);
    return facts != nullptr ? facts->id : std::string(family) + "-" + numberText(bits);
}

const CodecFacts* findFactorFacts(std::string_view family, double bits) {
    const CodecFacts* facts = findCodecFacts(family, bits);
    return facts != nullptr && suitsFactors(*facts) ? facts : nullptr;
}

bool isFactorCodec(std::string_view id) {
    const auto isIt = [id](const CodecFacts& facts) { return facts.id == id; };
    const auto* found = std::find_if(kCodecs.begin(), kCodecs.end(), isIt);
    return (found != kCodecs.end() && suitsFactors(*found)) ||
           std::find(kNumberCodecs.begin(), kNumberCodecs.end(), id) != kNumberCodecs.end();
}

std::string factorCodecChoices() {
    std::string text;
    for (const std::string_view id : kNumberCodecs) {
        append(text, id);
    }
    for (const CodecFacts& facts : kCodecs) {
        if (suitsFactors(facts)) {
            append(text, facts);
        }
    }
    return text;
}

} // namespace caldera
