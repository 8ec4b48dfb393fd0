#include "kernels/lloyd/lloyd.h"

#include <array>
#include <vector>

namespace caldera::kernels {
namespace {

// Fixed points of "each level is the mean of the values nearest to it", to double precision.
constexpr std::array<float, 4> kTwoBits = {-1.5104176084990957F, -0.4527800346364921F,
                                           0.4527800346364921F, 1.5104176084990957F};
constexpr std::array<float, 8> kThreeBits = {
    -2.1519457045369874F, -1.3439092785050006F, -0.7560052812058781F, -0.24509417894422184F,
    0.24509417894422184F, 0.7560052812058781F,  1.3439092785050006F,  2.1519457045369874F};
constexpr std::array<float, 16> kFourBits = {
    -2.732589570995161F,  -2.069017226531385F, -1.618046386021882F,  -1.2562311973471776F,
    -0.9423404564869629F, -0.656759118532465F, -0.3880482994902915F, -0.1283950298511473F,
    0.1283950298511473F,  0.3880482994902915F, 0.656759118532465F,   0.9423404564869629F,
    1.2562311973471776F,  1.618046386021882F,  2.069017226531385F,   2.732589570995161F};

constexpr LloydIntegers integers(int largest) {
    LloydIntegers levels{};
    levels.step = kFourBits.back() / static_cast<float>(largest);
    for (size_t i = 0; i < kFourBits.size(); ++i) {
        const float scaled = kFourBits[i] / levels.step;
        const int level = static_cast<int>(scaled + (scaled < 0 ? -0.5F : 0.5F));
        const bool isWide = largest > kLargestCode8;
        levels.high[i] = static_cast<int8_t>(isWide ? (level + 128) >> 8 : level);
        levels.low[i] = static_cast<int8_t>(isWide ? level - 256 * levels.high[i] : 0);
    }
    return levels;
}
constexpr LloydIntegers kBytes = integers(static_cast<int>(kLargestCode8));
constexpr LloydIntegers kWords = integers(static_cast<int>(kLargestCode16));

} // namespace

const LloydIntegers& lloydIntegers(int bits) {
    return bits == 8 ? kBytes : kWords;
}

std::span<const float> lloydLevels(int bits) {
    return bits == 2   ? std::span<const float>(kTwoBits)
           : bits == 3 ? std::span<const float>(kThreeBits)
                       : std::span<const float>(kFourBits);
}

void lloydQuantize(std::span<const float> levels, const float* x, int64_t count, uint8_t* indices) {
    std::array<float, 15> border{};
    const size_t borders = levels.size() - 1;
    for (size_t i = 0; i < borders; ++i) {
        border[i] = (levels[i] + levels[i + 1]) / 2;
    }
    for (int64_t i = 0; i < count; ++i) {
        int below = 0;
        for (size_t b = 0; b < borders; ++b) {
            below += x[i] > border[b] ? 1 : 0;
        }
        indices[i] = static_cast<uint8_t>(below);
    }
}

namespace reference {

void lloydDecodeRow(const LloydMatrix& matrix, int64_t row, float* values) {
    const uint8_t* codes = matrix.codes + row * matrix.rowBytes();
    for (int64_t c = 0; c < matrix.columns; ++c) {
        values[c] = kFourBits[(codes[c / 2] >> (c % 2 * 4)) & 0xF];
    }
}

void lloydProject(const LloydMatrix& matrix, const float* scale, const float* x, float* t,
                  RowRange range) {
    std::vector<float> values(matrix.columns);
    for (int64_t row = range.first; row < range.first + range.count; ++row) {
        reference::lloydDecodeRow(matrix, row, values.data());
        double sum = 0;
        for (int64_t c = 0; c < matrix.columns; ++c) {
            sum += static_cast<double>(values[c]) * x[c];
        }
        t[row] = static_cast<float>(scale[row] * sum);
    }
}

void lloydExpand(const LloydMatrix& matrix, const float* scale, const float* t, float* y,
                 RowRange range) {
    std::vector<float> values(matrix.columns);
    for (int64_t row = range.first; row < range.first + range.count; ++row) {
        reference::lloydDecodeRow(matrix, row, values.data());
        double sum = 0;
        for (int64_t k = 0; k < matrix.columns; ++k) {
            sum += static_cast<double>(values[k]) * scale[k] * t[k];
        }
        y[row] += static_cast<float>(sum);
    }
}

void lloydIntegerProduct(const LloydMatrix& matrix, int levelBits, const QuantizedBatch& x,
                         const OutputVectors& y, RowRange range) {
    const LloydIntegers& levels = lloydIntegers(levelBits);
    const int unit = levelBits == 8 ? 1 : 256; // of the high byte
    for (int64_t t = 0; t < x.count; ++t) {
        const QuantizedBatch one = x.from(t);
        for (int64_t row = 0; row < range.count; ++row) {
            const uint8_t* codes = matrix.codes + (range.first + row) * matrix.rowBytes();
            double sum = 0;
            for (int64_t c = 0; c < matrix.columns; ++c) {
                const int number = (codes[c / 2] >> (c % 2 * 4)) & 0xF;
                sum += static_cast<double>(one.value(c)) *
                       (unit * levels.high[number] + levels.low[number]);
            }
            y.values[t * y.stride + row] += static_cast<float>(levels.step * sum);
        }
    }
}

} // namespace reference
} // namespace caldera::kernels
