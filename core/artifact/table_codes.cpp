#include "core/artifact/table_codes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/error.h"
#include "core/base/half.h"
#include "core/plan/packing.h"

namespace caldera {

namespace {

constexpr float kLargestCode = 127;
constexpr int kZero = 8; ///< the number that stands for 0
constexpr float kLargestScale = 65504;
constexpr size_t kBlock = kTableBlock;

using Block = std::array<float, kBlock>;

/// By halves, which the compiler turns into vectors.
float sumOf(Block values) {
    for (size_t half = kBlock / 2; half > 0; half /= 2) {
        for (size_t i = 0; i < half; ++i) {
            values[i] += values[i + half];
        }
    }
    return values[0];
}

/// The number nearest to a value that is already divided by the scale.
int numberOf(float value) {
    constexpr int kShift = 1024; // conversion to int rounds towards 0, so floor needs it positive
    const int number = static_cast<int>(value + (kZero + kShift + 0.5F)) - kShift;
    return std::clamp(number, 0, 15);
}

struct Trial {
    uint16_t scale = 0;    ///< fp16 bits
    float error = 0;       ///< sum of squares
    float fittedScale = 0; ///< of least error for the numbers that this scale gives
};

Trial tryScale(const Block& values, float wanted) {
    Trial trial;
    trial.scale = floatToFp16(std::clamp(wanted, -kLargestScale, kLargestScale));
    const float scale = fp16ToFloat(trial.scale);
    const float inverse = scale != 0 ? 1 / scale : 0;
    Block error;
    Block product;
    Block square;
    for (size_t i = 0; i < kBlock; ++i) {
        const auto code = static_cast<float>(numberOf(values[i] * inverse) - kZero);
        const float difference = values[i] - scale * code;
        error[i] = difference * difference;
        product[i] = values[i] * code;
        square[i] = code * code;
    }
    trial.error = sumOf(error);
    const float squares = sumOf(square);
    trial.fittedScale = squares > 0 ? sumOf(product) / squares : 0;
    return trial;
}

/// The value of largest magnitude takes a number near the end that reaches to -8; every start is
/// followed by the scale that fits its numbers best.
uint16_t bestScale(const Block& values) {
    const float peak = *std::max_element(
        values.begin(), values.end(), [](float a, float b) { return std::abs(a) < std::abs(b); });
    static constexpr std::array<float, 5> kPeakCodes = {-8.0F, -7.5F, -7.0F, -8.5F, 7.0F};
    Trial best;
    best.error = std::numeric_limits<float>::infinity();
    for (const float code : kPeakCodes) {
        Trial trial = tryScale(values, peak / code);
        const Trial fitted = tryScale(values, trial.fittedScale);
        trial = fitted.error < trial.error ? fitted : trial;
        best = trial.error < best.error ? trial : best;
    }
    return best.scale;
}

void decodeFourBit(const ArtifactTable& row, float* out) {
    for (int64_t first = 0; first < row.shape.columns; first += kTableBlock) {
        const float scale = fp16ToFloat(row.scale[static_cast<size_t>(first / kTableBlock)]);
        const int64_t end = std::min(first + kTableBlock, row.shape.columns);
        for (int64_t c = first; c < end; ++c) {
            const auto byte = static_cast<unsigned>(row.codes[static_cast<size_t>(c / 2)]);
            const int number = static_cast<int>(byte >> (c % 2 * 4)) & 0xF;
            out[c] = scale * static_cast<float>(number - kZero);
        }
    }
}

/// Values that share a scale, and what they decode to.
struct Decoded {
    std::span<const float> values;
    const float* decoded;

    double peak() const {
        double peak = 0;
        for (const float value : values) {
            peak = std::max(peak, std::abs(static_cast<double>(value)));
        }
        return peak;
    }
    double largestError() const {
        double largest = 0;
        for (size_t i = 0; i < values.size(); ++i) {
            largest = std::max(largest, std::abs(static_cast<double>(values[i]) - decoded[i]));
        }
        return largest;
    }
    double meanError() const {
        double squares = 0;
        for (size_t i = 0; i < values.size(); ++i) {
            squares += std::pow(static_cast<double>(values[i]) - decoded[i], 2);
        }
        return std::sqrt(squares / static_cast<double>(values.size()));
    }
};

/// Whether rounding explains the errors: half a step of the scale that puts the peak on the last
/// code, a little more since scales are rounded too. A scale of 4 bits is chosen for its whole
/// block and may leave more to single values.
bool isExplained(const Decoded& block, int bits) {
    constexpr double kSlack = 1.2;
    const double lastCode = bits == 16 ? 128 : bits == 8 ? kLargestCode : kZero - 1;
    const double smallestStep = std::ldexp(1.0, -24); // of fp16
    const double allowed = kSlack * block.peak() / lastCode / 2 + lastCode * smallestStep;
    return (bits == 4 ? block.meanError() : block.largestError()) <= allowed;
}

} // namespace

uint16_t encodeEightBit(std::span<const float> values, int8_t* codes) {
    float peak = 0;
    for (const float value : values) {
        peak = std::max(peak, std::abs(value));
    }
    const uint16_t bits = floatToFp16(peak / kLargestCode);
    const float scale = fp16ToFloat(bits);
    std::transform(values.begin(), values.end(), codes, [scale](float value) {
        const float code = scale > 0 ? std::nearbyint(value / scale) : 0.0F;
        return static_cast<int8_t>(std::clamp(code, -kLargestCode, kLargestCode));
    });
    return bits;
}

void encodeFourBit(std::span<const float> values, uint8_t* codes, uint16_t* scale) {
    for (size_t first = 0; first < values.size(); first += kBlock) {
        const std::span<const float> part =
            values.subspan(first, std::min(kBlock, values.size() - first));
        Block block{};
        std::copy(part.begin(), part.end(), block.begin());
        *scale = bestScale(block);
        const float factor = fp16ToFloat(*scale++);
        const float inverse = factor != 0 ? 1 / factor : 0;
        for (size_t i = 0; i < kBlock; i += 2) {
            const auto low = static_cast<unsigned>(numberOf(block[i] * inverse));
            const auto high = static_cast<unsigned>(numberOf(block[i + 1] * inverse));
            *codes++ = static_cast<uint8_t>(low | (high << 4U));
        }
    }
}

void decodeTableRow(const ArtifactTable& table, int64_t index, float* out) {
    const ArtifactTable row = table.row(index);
    const auto columns = static_cast<size_t>(row.shape.columns);
    if (row.bits == 4) {
        decodeFourBit(row, out);
    } else if (row.bits == 8) {
        const float scale = fp16ToFloat(row.scale.front());
        std::transform(row.codes.begin(), row.codes.end(), out, [scale](std::byte code) {
            return scale * static_cast<float>(static_cast<int8_t>(code));
        });
    } else {
        const auto* values = reinterpret_cast<const uint16_t*>(row.codes.data());
        std::transform(values, values + columns, out, bf16ToFloat);
    }
}

void requireTableRow(const std::string& tensor, const ArtifactTable& table, int64_t index,
                     std::span<const float> values) {
    std::vector<float> decoded(values.size());
    decodeTableRow(table, index, decoded.data());
    const size_t width = table.bits == 16 ? 1 : table.bits == 8 ? values.size() : kBlock;
    for (size_t first = 0; first < values.size(); first += width) {
        const auto part = values.subspan(first, std::min(width, values.size() - first));
        if (!isExplained({part, decoded.data() + first}, table.bits)) {
            throw Error("artifact.verify",
                        "Row " + std::to_string(index) + " of " + tensor +
                            " does not decode to its values. Try again; should it happen again, "
                            "test the machine's memory.",
                        {{"tensor", tensor}, {"row", std::to_string(index)}});
        }
    }
}

} // namespace caldera
