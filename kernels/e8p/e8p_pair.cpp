#include "kernels/e8p/e8p_pair.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/e8p/e8p.h"
#include "kernels/e8p/root_book.h"

namespace caldera::kernels {
namespace {

constexpr int kChunk = 16; ///< vectors worked on at a time
constexpr float kGrid = 1 << 14;
/// The second try pushes the input away from the first word by this share of its error, towards
/// the word on the other side.
constexpr float kOvershoot = 0.375F;

constexpr std::array<E8pPair, 2> kPairs = {{
    {"e8p-3", 3, 569.0F / 1024, 1.0F},
    {"e8p-4", 4, 277.0F / 1024, 0.9F},
}};

using Values = std::array<float, static_cast<size_t>(kChunk) * kE8pWidth>;

/// Codes of some vectors and what they stand for.
struct Choice {
    std::array<uint16_t, kChunk> first;
    std::array<uint16_t, kChunk> second;
    Values values;
};

/// To a multiple of 2^-14 within [-16, 16], as e8pEncode does.
float toGrid(float x) {
    return std::isnan(x) ? 0.0F : std::rint(std::clamp(x, -16.0F, 16.0F) * kGrid) / kGrid;
}

void decodeRoots(const std::array<uint16_t, kChunk>& codes, int64_t count, Values& values) {
    for (int64_t i = 0; i < count; ++i) {
        std::copy_n(E8RootBook::instance().point(static_cast<uint8_t>(codes[i])).begin(), kE8pWidth,
                    &values[i * kE8pWidth]);
    }
}

/// residual [count, 8], already divided by the step; becomes the second code's values.
void encodeSecond(const E8pPair& pair, int64_t count, Values& residual,
                  std::array<uint16_t, kChunk>& codes) {
    if (pair.endsInWord()) {
        Values decoded;
        e8pEncode(residual.data(), count, codes.data(), decoded.data());
        residual = decoded;
        return;
    }
    const E8RootBook& book = E8RootBook::instance();
    for (int64_t i = 0; i < count; ++i) {
        std::array<float, kE8pWidth> x;
        std::copy_n(&residual[i * kE8pWidth], kE8pWidth, x.begin());
        codes[i] = book.nearest(x);
    }
    decodeRoots(codes, count, residual);
}

/// First words nearest to `target`, second codes nearest to what these leave of x.
/// target, x [count, 8]; firstValues gets what the first words stand for.
Choice chooseNear(const E8pPair& pair, const Values& target, const Values& x, int64_t count,
                  Values& firstValues) {
    Choice choice;
    e8pEncode(target.data(), count, choice.first.data(), firstValues.data());
    const float inverse = 1 / pair.step;
    Values residual;
    for (int64_t i = 0; i < count * kE8pWidth; ++i) {
        residual[i] = toGrid((x[i] - firstValues[i]) * inverse);
    }
    encodeSecond(pair, count, residual, choice.second);
    for (int64_t i = 0; i < count * kE8pWidth; ++i) {
        choice.values[i] = firstValues[i] + pair.step * residual[i];
    }
    return choice;
}

/// Of one vector; exact.
double squaredDistance(const float* x, const float* y) {
    double sum = 0;
    for (int j = 0; j < kE8pWidth; ++j) {
        const double difference = static_cast<double>(x[j]) - y[j];
        sum += difference * difference;
    }
    return sum;
}

void takeNearer(const Values& x, const Choice& other, int64_t count, Choice& best) {
    for (int64_t i = 0; i < count; ++i) {
        const int64_t at = i * kE8pWidth;
        if (squaredDistance(&x[at], &other.values[at]) <
            squaredDistance(&x[at], &best.values[at])) {
            best.first[i] = other.first[i];
            best.second[i] = other.second[i];
            std::copy_n(&other.values[at], kE8pWidth, &best.values[at]);
        }
    }
}

void store(const E8pPair& pair, const Choice& choice, int64_t count, uint8_t* codes) {
    for (int64_t i = 0; i < count; ++i) {
        uint8_t* code = codes + i * pair.bytes;
        code[0] = static_cast<uint8_t>(choice.first[i] & 0xFFU);
        code[1] = static_cast<uint8_t>(choice.first[i] >> 8);
        code[2] = static_cast<uint8_t>(choice.second[i] & 0xFFU);
        if (pair.endsInWord()) {
            code[3] = static_cast<uint8_t>(choice.second[i] >> 8);
        }
    }
}

void encodeChunk(const E8pPair& pair, const float* input, int64_t count, uint8_t* codes,
                 float* decoded) {
    Values x;
    std::transform(input, input + count * kE8pWidth, x.begin(), toGrid);
    Values firstValues;
    Choice best = chooseNear(pair, x, x, count, firstValues);
    Values target;
    for (int64_t i = 0; i < count * kE8pWidth; ++i) {
        target[i] = x[i] + kOvershoot * (x[i] - firstValues[i]);
    }
    takeNearer(x, chooseNear(pair, target, x, count, firstValues), count, best);
    store(pair, best, count, codes);
    std::copy_n(best.values.begin(), count * kE8pWidth, decoded);
}

uint16_t wordAt(const uint8_t* bytes) {
    return static_cast<uint16_t>(bytes[0] | (bytes[1] << 8));
}

void decodeChunk(const E8pPair& pair, const uint8_t* codes, int64_t count, float* values) {
    std::array<uint16_t, kChunk> first{};
    std::array<uint16_t, kChunk> second{};
    for (int64_t i = 0; i < count; ++i) {
        const uint8_t* code = codes + i * pair.bytes;
        first[i] = wordAt(code);
        second[i] = pair.endsInWord() ? wordAt(code + 2) : code[2];
    }
    Values rest;
    if (pair.endsInWord()) {
        e8pDecode(second.data(), count, rest.data());
    } else {
        decodeRoots(second, count, rest);
    }
    e8pDecode(first.data(), count, values);
    for (int64_t i = 0; i < count * kE8pWidth; ++i) {
        values[i] += pair.step * rest[i];
    }
}

} // namespace

const E8pPair* e8pPair(std::string_view id) {
    const auto* found = std::find_if(kPairs.begin(), kPairs.end(),
                                     [&](const E8pPair& pair) { return pair.id == id; });
    return found == kPairs.end() ? nullptr : found;
}

void e8pPairEncode(const E8pPair& pair, const float* x, int64_t count, uint8_t* codes,
                   float* decoded) {
    for (int64_t i = 0; i < count; i += kChunk) {
        encodeChunk(pair, x + i * kE8pWidth, std::min<int64_t>(kChunk, count - i),
                    codes + i * pair.bytes, decoded + i * kE8pWidth);
    }
}

void e8pPairDecode(const E8pPair& pair, const uint8_t* codes, int64_t count, float* values) {
    for (int64_t i = 0; i < count; i += kChunk) {
        decodeChunk(pair, codes + i * pair.bytes, std::min<int64_t>(kChunk, count - i),
                    values + i * kE8pWidth);
    }
}

} // namespace caldera::kernels
