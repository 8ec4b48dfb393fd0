#include "core/model/codec_facts.h"

#include <array>

#include "core/base/text.h"

namespace caldera {

namespace {

constexpr std::array<CodecFacts, 8> kCodecs = {{
    {"e8p-2", "e8p", 2, 8},
    {"e8p-3", "e8p", 3, 8},
    {"e8p-4", "e8p", 4, 8},
    {"trellis-v4k6m6", "trellis", 1.5, 4},
    {"trellis-v4k8m4", "trellis", 2, 4},
    {"trellis-v4k10m4", "trellis", 2.5, 4},
    {"trellis-v2k6m6", "trellis", 3, 2},
    {"trellis-v2k8m4", "trellis", 4, 2},
}};

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

std::string codecChoices() {
    std::string text;
    for (const CodecFacts& facts : kCodecs) {
        text +=
            (text.empty() ? "" : ", ") + std::string(facts.family) + "-" + numberText(facts.bits);
    }
    return text;
}

} // namespace caldera
