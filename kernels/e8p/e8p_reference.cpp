#include "kernels/e8p/e8p.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "kernels/common/integer_product_reference.h"
#include "kernels/e8p/codebook.h"

namespace caldera::kernels::reference {
namespace {

constexpr int kFractionBits = 14;
constexpr int64_t kOne = 1 << kFractionBits;
constexpr int64_t kQuarter = kOne / 4;
constexpr int64_t kHalf = kOne / 2;
using Fixed = std::array<int64_t, 8>;

Fixed toFixed(const float* x) {
    Fixed fixed;
    for (int j = 0; j < 8; ++j) {
        const float value = std::isnan(x[j]) ? 0.0F : std::clamp(x[j], -16.0F, 16.0F);
        fixed[j] = std::llrint(value * static_cast<float>(kOne));
    }
    return fixed;
}

/// Lattice points to compare with magnitudes, in the order of their codewords: at most one of the
/// coordinates 0..6 is negative, and that one is -1/2. More is never nearest.
std::vector<E8pPoint> makeCandidates() {
    const E8pCodebook& book = E8pCodebook::instance();
    std::vector<E8pPoint> points;
    for (uint32_t code = 0; code < 0x10000; ++code) {
        if (e8pMinusQuarter(static_cast<uint16_t>(code))) {
            continue; // the same points once more
        }
        const E8pPoint point = book.point(static_cast<uint16_t>(code));
        const auto last = point.begin() + 7;
        const auto negatives = std::count_if(point.begin(), last, [](int v) { return v < 0; });
        const auto halves = std::count(point.begin(), last, -1);
        if (negatives <= 1 && negatives == halves) {
            points.push_back(point);
        }
    }
    return points;
}

int64_t squaredDistance(const Fixed& x, const E8pPoint& twice) {
    int64_t sum = 0;
    for (int j = 0; j < 8; ++j) {
        const int64_t difference = x[j] - twice[j] * kHalf;
        sum += difference * difference;
    }
    return sum;
}

struct Nearest {
    uint16_t code = 0;
    int64_t distance = 0;
};

/// The nearest word among those with one shift; of equally near ones the first candidate.
Nearest nearest(Fixed x, bool minusQuarter) {
    static const std::vector<E8pPoint> candidates = makeCandidates();
    uint32_t negative = 0;
    bool odd = false;
    for (int j = 0; j < 8; ++j) {
        x[j] += minusQuarter ? kQuarter : -kQuarter;
        if (x[j] < 0) {
            negative |= 1U << j;
            odd = !odd;
            x[j] = -x[j];
        }
    }
    if (odd) { // lattice points keep an even sum when an even number of signs changes
        x[7] = -x[7];
        negative ^= 0x80U;
    }
    const E8pPoint* best = nullptr;
    int64_t bestDistance = 0;
    for (const E8pPoint& point : candidates) {
        const int64_t distance = squaredDistance(x, point);
        if (best == nullptr || distance < bestDistance) {
            best = &point;
            bestDistance = distance;
        }
    }
    E8pPoint magnitudes = *best;
    for (int j = 0; j < 8; ++j) {
        negative ^= magnitudes[j] < 0 ? 1U << j : 0U;
        magnitudes[j] = static_cast<int8_t>(std::abs(magnitudes[j]));
    }
    const E8pCodebook& book = E8pCodebook::instance();
    return {book.codeword(book.find(magnitudes), negative, minusQuarter), bestDistance};
}

} // namespace

void e8pEncode(const float* x, int64_t count, uint16_t* codes, float* decoded) {
    for (int64_t i = 0; i < count; ++i) {
        const Fixed fixed = toFixed(x + i * kE8pWidth);
        const Nearest plus = nearest(fixed, false);
        const Nearest minus = nearest(fixed, true);
        codes[i] = minus.distance < plus.distance ? minus.code : plus.code;
    }
    e8pDecode(codes, count, decoded);
}

void e8pDecode(const uint16_t* codes, int64_t count, float* values) {
    const E8pCodebook& book = E8pCodebook::instance();
    for (int64_t i = 0; i < count; ++i) {
        const E8pPoint twice = book.point(codes[i]);
        const float shift = e8pMinusQuarter(codes[i]) ? -0.25F : 0.25F;
        for (int j = 0; j < 8; ++j) {
            values[i * kE8pWidth + j] = static_cast<float>(twice[j]) / 2 + shift;
        }
    }
}

void e8pGemv(const E8pMatrix& q, const float* x, float* y, GroupRange range) {
    for (int64_t group = range.first; group < range.first + range.count; ++group) {
        std::array<double, kE8pGroupRows> sums{};
        for (int64_t block = 0; block < q.blocks; ++block) {
            const uint16_t* codes = q.codes + (group * q.blocks + block) * kE8pGroupRows;
            for (int row = 0; row < kE8pGroupRows; ++row) {
                std::array<float, kE8pWidth> values;
                reference::e8pDecode(codes + row, 1, values.data());
                for (int j = 0; j < kE8pWidth; ++j) {
                    sums[row] += static_cast<double>(values[j]) * x[block * kE8pWidth + j];
                }
            }
        }
        for (int row = 0; row < kE8pGroupRows; ++row) {
            y[group * kE8pGroupRows + row] += static_cast<float>(q.scale[group] * sums[row]);
        }
    }
}

void e8pIntegerProduct(const E8pMatrix& q, const QuantizedBatch& x, const OutputVectors& y,
                       GroupRange range) {
    std::vector<float> weights(static_cast<size_t>(kE8pGroupRows * q.blocks * kE8pWidth));
    for (int64_t group = range.first; group < range.first + range.count; ++group) {
        kernels::e8pDecodeGroup(q.codes + group * q.blocks * kE8pGroupRows, q.blocks,
                                weights.data());
        addIntegerProduct(weights, kE8pGroupRows, q.scale[group], x,
                          {y.values + group * kE8pGroupRows, y.stride});
    }
}

} // namespace caldera::kernels::reference
