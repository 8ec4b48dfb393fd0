#include "core/codec/scalar_code.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/half.h"
#include "core/codec/fp16_range.h"

namespace caldera {
namespace {

/// Scales from the one that reaches the largest value down to 0.28 of it, besides those that put
/// the largest value exactly on a level.
constexpr int kClippings = 13;
constexpr float kClippingStep = 0.06F;

constexpr std::array<float, 4> kWidenings = {0.92F, 1.1F, 1.22F, 1.36F};

using Group = std::array<float, kScalarGroup>;
using Numbers = std::array<uint8_t, kScalarGroup>;

uint8_t nearestNumber(const ScalarCode& code, float x) {
    if (code.isUniform()) {
        const size_t half = code.levels.size() / 2;
        const float last = static_cast<float>(code.levels.size() - 1);
        const float number = std::floor(x) + static_cast<float>(half);
        // Not-a-number fails the comparison.
        return number > 0 ? static_cast<uint8_t>(std::min(number, last)) : uint8_t{0};
    }
    int number = 0;
    for (const float boundary : code.boundaries) {
        number += x > boundary ? 1 : 0;
    }
    return static_cast<uint8_t>(number);
}

/// Divides by a scale that may be 0: then all is 0.
float inverseOf(float scale) {
    return scale == 0 ? 0 : 1 / scale;
}

/// The scale in fp16, the errors that each value makes with it weighed by `weights`.
class ScaleSearch {
public:
    ScaleSearch(const ScalarCode& code, const Group& x, const Group& weights)
        : code_(code), x_(x), weights_(weights) {
        for (const float value : x) {
            peak_ = std::abs(value) > std::abs(peak_) ? value : peak_;
        }
    }

    float best() {
        for (int i = 0; i < kClippings; ++i) {
            const float share = 1 - kClippingStep * static_cast<float>(i);
            tryBoth(std::abs(peak_) / code_.top() * share);
        }
        // Negative levels of a symmetric grid would only turn it upside down.
        for (const float level : code_.levels) {
            if (level > 0 || (level < 0 && !code_.isUniform())) {
                tryScale(peak_ / level);
            }
        }
        refine();
        return best_;
    }

private:
    /// Levels that are not symmetric may fit better upside down.
    void tryBoth(float scale) {
        tryScale(scale);
        if (!code_.isUniform()) {
            tryScale(-scale);
        }
    }

    void tryScale(float wanted) {
        const float scale = fp16ToFloat(floatToFp16(wanted));
        if (!std::isfinite(scale)) {
            return;
        }
        const float inverse = inverseOf(scale);
        double error = 0;
        for (int i = 0; i < kScalarGroup && error < least_; ++i) {
            const float level = code_.levels[nearestNumber(code_, x_[i] * inverse)];
            const double difference = x_[i] - scale * level;
            error += weights_[i] * difference * difference;
        }
        if (error < least_) {
            least_ = error;
            best_ = scale;
        }
    }

    /// The least-squares scale of the levels that the best one chooses.
    void refine() {
        const float inverse = inverseOf(best_);
        double product = 0;
        double square = 0;
        for (int i = 0; i < kScalarGroup; ++i) {
            const double level = code_.levels[nearestNumber(code_, x_[i] * inverse)];
            product += weights_[i] * level * x_[i];
            square += weights_[i] * level * level;
        }
        if (square > 0) {
            tryScale(static_cast<float>(product / square));
        }
    }

    const ScalarCode& code_;
    const Group& x_;
    const Group& weights_;
    float peak_ = 0; ///< the value of largest magnitude
    float best_ = 0;
    double least_ = INFINITY;
};

Group cleaned(const float* x) {
    Group group;
    std::transform(x, x + kScalarGroup, group.begin(), withinFp16);
    return group;
}

/// Squares of the factor's diagonal: what is left of the weights after all errors behind are fed
/// back.
Group weightsOf(const float* cholesky) {
    Group weights;
    for (int i = 0; i < kScalarGroup; ++i) {
        const float own = cholesky == nullptr ? 1 : cholesky[i * kScalarGroup + i];
        weights[i] = own * own;
    }
    return weights;
}

/// What the errors behind value j ask of it: sum of error_i C_ij / C_jj.
float feedback(const Group& errors, const float* cholesky, int j) {
    float sum = 0;
    for (int i = j + 1; i < kScalarGroup; ++i) {
        sum += errors[i] * cholesky[i * kScalarGroup + j];
    }
    const float own = cholesky[j * kScalarGroup + j];
    return own > 0 ? sum / own : 0;
}

struct Rounded {
    float scale = 0;
    Numbers numbers{};
    double error = 0; ///< |e C|^2
};

Rounded roundAll(const ScalarCode& code, const Group& x, float scale, const float* cholesky) {
    const float inverse = inverseOf(scale);
    Rounded rounded{scale};
    Group errors{};
    for (int j = kScalarGroup - 1; j >= 0; --j) {
        const float wanted = x[j] + (cholesky == nullptr ? 0 : feedback(errors, cholesky, j));
        rounded.numbers[j] = nearestNumber(code, wanted * inverse);
        const float value = scale * code.levels[rounded.numbers[j]];
        errors[j] = x[j] - value;
        const float own = cholesky == nullptr ? 1 : cholesky[j * kScalarGroup + j];
        rounded.error += std::pow(static_cast<double>(own) * (wanted - value), 2);
    }
    return rounded;
}

/// What is fed back widens the values, so that a larger scale may suit them.
Rounded roundBest(const ScalarCode& code, const Group& x, float scale, const float* cholesky) {
    Rounded best = roundAll(code, x, scale, cholesky);
    if (cholesky == nullptr) {
        return best;
    }
    for (const float share : kWidenings) {
        const float wider = fp16ToFloat(floatToFp16(scale * share));
        if (std::isfinite(wider)) {
            const Rounded other = roundAll(code, x, wider, cholesky);
            best = other.error < best.error ? other : best;
        }
    }
    return best;
}

void store(const ScalarCode& code, const Rounded& rounded, uint8_t* bytes) {
    const uint16_t half = floatToFp16(rounded.scale);
    std::fill_n(bytes, code.groupBytes(), uint8_t{0});
    bytes[0] = static_cast<uint8_t>(half & 0xFFU);
    bytes[1] = static_cast<uint8_t>(half >> 8);
    for (int i = 0; i < kScalarGroup; ++i) {
        const int bit = i * code.bits;
        const uint32_t shifted = static_cast<uint32_t>(rounded.numbers[i]) << (bit % 8);
        uint8_t* to = bytes + kScalarScaleBytes + bit / 8;
        to[0] |= static_cast<uint8_t>(shifted & 0xFFU);
        if (shifted > 0xFFU) {
            to[1] |= static_cast<uint8_t>(shifted >> 8);
        }
    }
}

void decodeGroup(const ScalarCode& code, const uint8_t* bytes, float* values) {
    const float scale = fp16ToFloat(static_cast<uint16_t>(bytes[0] | (bytes[1] << 8)));
    const uint8_t* packed = bytes + kScalarScaleBytes;
    uint32_t window = 0;
    int available = 0;
    for (int i = 0; i < kScalarGroup; ++i) {
        if (available < code.bits) {
            window |= static_cast<uint32_t>(*packed++) << available;
            available += 8;
        }
        values[i] = scale * code.levels[window & ((1U << code.bits) - 1)];
        window >>= code.bits;
        available -= code.bits;
    }
}

} // namespace

void scalarEncode(const ScalarCode& code, const float* x, int64_t count, const float* cholesky,
                  uint8_t* codes, float* decoded) {
    const Group weights = weightsOf(cholesky);
    for (int64_t i = 0; i < count; ++i) {
        const Group group = cleaned(x + i * kScalarGroup);
        const float scale = ScaleSearch(code, group, weights).best();
        store(code, roundBest(code, group, scale, cholesky), codes + i * code.groupBytes());
    }
    scalarDecode(code, codes, count, decoded);
}

void scalarDecode(const ScalarCode& code, const uint8_t* codes, int64_t count, float* values) {
    for (int64_t i = 0; i < count; ++i) {
        decodeGroup(code, codes + i * code.groupBytes(), values + i * kScalarGroup);
    }
}

} // namespace caldera
