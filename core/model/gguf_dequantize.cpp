#include "core/model/gguf_dequantize.h"

#include <array>
#include <cstring>
#include <string>

#include "core/base/error.h"
#include "core/base/half.h"
#include "core/model/safetensors.h"

namespace caldera {

namespace {

constexpr int kSuper = 256; // elements of a K block

struct TypeFacts {
    GgufType type;
    std::string_view name;
    GgufBlock block;
};

constexpr std::array<TypeFacts, 13> kTypes = {{
    {GgufType::F32, "F32", {1, 4}},
    {GgufType::F16, "F16", {1, 2}},
    {GgufType::BF16, "BF16", {1, 2}},
    {GgufType::Q40, "Q4_0", {32, 18}},
    {GgufType::Q41, "Q4_1", {32, 20}},
    {GgufType::Q50, "Q5_0", {32, 22}},
    {GgufType::Q51, "Q5_1", {32, 24}},
    {GgufType::Q80, "Q8_0", {32, 34}},
    {GgufType::Q2K, "Q2_K", {kSuper, 84}},
    {GgufType::Q3K, "Q3_K", {kSuper, 110}},
    {GgufType::Q4K, "Q4_K", {kSuper, 144}},
    {GgufType::Q5K, "Q5_K", {kSuper, 176}},
    {GgufType::Q6K, "Q6_K", {kSuper, 210}},
}};

const TypeFacts& factsOf(GgufType type) {
    for (const TypeFacts& facts : kTypes) {
        if (facts.type == type) {
            return facts;
        }
    }
    throw Error("gguf.type",
                "GGUF type " + std::to_string(static_cast<uint32_t>(type)) + " is not supported.");
}

float halfAt(const uint8_t* bytes) {
    uint16_t bits = 0;
    std::memcpy(&bits, bytes, sizeof(bits));
    return fp16ToFloat(bits);
}

uint32_t wordAt(const uint8_t* bytes) {
    uint32_t word = 0;
    std::memcpy(&word, bytes, sizeof(word));
    return word;
}

// Legacy blocks: 32 elements; byte j holds element j in its low and j + 16 in its high nibble.

void blockQ40(const uint8_t* b, float* y) {
    const float d = halfAt(b);
    for (int j = 0; j < 16; ++j) {
        y[j] = static_cast<float>((b[2 + j] & 15) - 8) * d;
        y[j + 16] = static_cast<float>((b[2 + j] >> 4) - 8) * d;
    }
}

void blockQ41(const uint8_t* b, float* y) {
    const float d = halfAt(b);
    const float m = halfAt(b + 2);
    for (int j = 0; j < 16; ++j) {
        y[j] = static_cast<float>(b[4 + j] & 15) * d + m;
        y[j + 16] = static_cast<float>(b[4 + j] >> 4) * d + m;
    }
}

void blockQ50(const uint8_t* b, float* y) {
    const float d = halfAt(b);
    const uint32_t high = wordAt(b + 2);
    for (int j = 0; j < 16; ++j) {
        const int first = (b[6 + j] & 15) | static_cast<int>((high >> j & 1) << 4);
        const int second = (b[6 + j] >> 4) | static_cast<int>((high >> (j + 16) & 1) << 4);
        y[j] = static_cast<float>(first - 16) * d;
        y[j + 16] = static_cast<float>(second - 16) * d;
    }
}

void blockQ51(const uint8_t* b, float* y) {
    const float d = halfAt(b);
    const float m = halfAt(b + 2);
    const uint32_t high = wordAt(b + 4);
    for (int j = 0; j < 16; ++j) {
        const int first = (b[8 + j] & 15) | static_cast<int>((high >> j & 1) << 4);
        const int second = (b[8 + j] >> 4) | static_cast<int>((high >> (j + 16) & 1) << 4);
        y[j] = static_cast<float>(first) * d + m;
        y[j + 16] = static_cast<float>(second) * d + m;
    }
}

void blockQ80(const uint8_t* b, float* y) {
    const float d = halfAt(b);
    for (int j = 0; j < 32; ++j) {
        y[j] = static_cast<float>(static_cast<int8_t>(b[2 + j])) * d;
    }
}

// K blocks: 256 elements in groups of 16 (2, 3 and 6 bit) or 32 (4 and 5 bit).

void blockQ2K(const uint8_t* b, float* y) {
    const uint8_t* scales = b;
    const float d = halfAt(b + 80);
    const float dMin = halfAt(b + 82);
    for (int i = 0; i < kSuper; ++i) {
        const int inHalf = i % 128;
        const uint8_t scale = scales[i / 16];
        const int code = b[16 + i / 128 * 32 + inHalf % 32] >> (2 * (inHalf / 32)) & 3;
        y[i] = d * static_cast<float>(scale & 15) * static_cast<float>(code) -
               dMin * static_cast<float>(scale >> 4);
    }
}

void blockQ3K(const uint8_t* b, float* y) {
    const uint8_t* highBits = b;
    const uint8_t* codes = b + 32;
    const uint8_t* scales = b + 96;
    const float d = halfAt(b + 108);
    for (int i = 0; i < kSuper; ++i) {
        const int group = i / 16;
        const int low = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
        const int scale = (low | (scales[8 + group % 4] >> (2 * (group / 4)) & 3) << 4) - 32;
        const int inHalf = i % 128;
        const int code = codes[i / 128 * 32 + inHalf % 32] >> (2 * (inHalf / 32)) & 3;
        const bool high = (highBits[i % 32] >> (i / 32) & 1) != 0;
        y[i] = d * static_cast<float>(scale) * static_cast<float>(code - (high ? 0 : 4));
    }
}

/// Six-bit scale and minimum of group j (0..7) in the 12 bytes that 4- and 5-bit blocks share.
std::array<float, 2> scaleAndMin(const uint8_t* packed, int j) {
    if (j < 4) {
        return {static_cast<float>(packed[j] & 63), static_cast<float>(packed[j + 4] & 63)};
    }
    return {static_cast<float>((packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4),
            static_cast<float>((packed[j + 4] >> 4) | (packed[j] >> 6) << 4)};
}

void blockQ4K(const uint8_t* b, float* y) {
    const float d = halfAt(b);
    const float dMin = halfAt(b + 2);
    for (int group = 0; group < 8; ++group) {
        const auto [scale, minimum] = scaleAndMin(b + 4, group);
        const uint8_t* codes = b + 16 + group / 2 * 32;
        for (int l = 0; l < 32; ++l) {
            const int code = group % 2 == 0 ? codes[l] & 15 : codes[l] >> 4;
            y[group * 32 + l] = d * scale * static_cast<float>(code) - dMin * minimum;
        }
    }
}

void blockQ5K(const uint8_t* b, float* y) {
    const float d = halfAt(b);
    const float dMin = halfAt(b + 2);
    const uint8_t* highBits = b + 16;
    for (int group = 0; group < 8; ++group) {
        const auto [scale, minimum] = scaleAndMin(b + 4, group);
        const uint8_t* codes = b + 48 + group / 2 * 32;
        for (int l = 0; l < 32; ++l) {
            const int low = group % 2 == 0 ? codes[l] & 15 : codes[l] >> 4;
            const int code = low | (highBits[l] >> group & 1) << 4;
            y[group * 32 + l] = d * scale * static_cast<float>(code) - dMin * minimum;
        }
    }
}

void blockQ6K(const uint8_t* b, float* y) {
    const uint8_t* scales = b + 192;
    const float d = halfAt(b + 208);
    for (int i = 0; i < kSuper; ++i) {
        const int half = i / 128;
        const int quarter = i % 128 / 32;
        const int l = i % 32;
        const uint8_t lowByte = b[half * 64 + quarter % 2 * 32 + l];
        const int low = quarter < 2 ? lowByte & 15 : lowByte >> 4;
        const int high = b[128 + half * 32 + l] >> (2 * quarter) & 3;
        y[i] = d * static_cast<float>(static_cast<int8_t>(scales[i / 16])) *
               static_cast<float>((low | high << 4) - 32);
    }
}

using BlockFunction = void (*)(const uint8_t*, float*);

BlockFunction blockFunction(GgufType type) {
    switch (type) {
    case GgufType::Q40:
        return blockQ40;
    case GgufType::Q41:
        return blockQ41;
    case GgufType::Q50:
        return blockQ50;
    case GgufType::Q51:
        return blockQ51;
    case GgufType::Q80:
        return blockQ80;
    case GgufType::Q2K:
        return blockQ2K;
    case GgufType::Q3K:
        return blockQ3K;
    case GgufType::Q4K:
        return blockQ4K;
    case GgufType::Q5K:
        return blockQ5K;
    case GgufType::Q6K:
        return blockQ6K;
    case GgufType::F32:
    case GgufType::F16:
    case GgufType::BF16:
        break;
    }
    return nullptr;
}

} // namespace

std::optional<GgufType> ggufTypeFromNumber(uint32_t number) {
    for (const TypeFacts& facts : kTypes) {
        if (static_cast<uint32_t>(facts.type) == number) {
            return facts.type;
        }
    }
    return std::nullopt;
}

std::optional<GgufType> parseGgufType(std::string_view name) {
    for (const TypeFacts& facts : kTypes) {
        if (facts.name == name) {
            return facts.type;
        }
    }
    return std::nullopt;
}

std::string_view ggufTypeName(GgufType type) {
    return factsOf(type).name;
}

GgufBlock ggufBlock(GgufType type) {
    return factsOf(type).block;
}

void dequantize(GgufType type, std::span<const std::byte> bytes, std::span<float> out) {
    const TypeFacts& facts = factsOf(type);
    const auto elements = static_cast<size_t>(facts.block.elements);
    const auto blockBytes = static_cast<size_t>(facts.block.bytes);
    if (bytes.size() % blockBytes != 0 || bytes.size() / blockBytes * elements != out.size()) {
        throw Error("gguf.size", std::to_string(bytes.size()) + " bytes of " +
                                     std::string(facts.name) + " do not make " +
                                     std::to_string(out.size()) + " numbers.");
    }
    const BlockFunction block = blockFunction(type);
    if (block == nullptr) {
        convertToFloat(std::string(facts.name), bytes, out);
        return;
    }
    const auto* source = reinterpret_cast<const uint8_t*>(bytes.data());
    for (size_t i = 0; i < bytes.size() / blockBytes; ++i) {
        block(source + i * blockBytes, out.data() + i * elements);
    }
}

} // namespace caldera
