#include "kernels/e8p/root_book.h"

#include <bit>
#include <cmath>

namespace caldera::kernels {
namespace {

constexpr int kFirstDouble = 241;
constexpr int kFirstNegativeDouble = 249;
constexpr std::array<int, 8> kPlace = {2187, 729, 243, 81, 27, 9, 3, 1};
constexpr int kOrigin = 3280; ///< the sum of all places

/// What the search needs of a vector: its two largest magnitudes, the smallest, the signs.
struct Shape {
    int largest = 0;
    int second = -1;
    int smallest = 0;
    float sum = 0; ///< of magnitudes
    uint32_t negative = 0;
};

Shape shapeOf(const std::array<float, 8>& x) {
    Shape shape;
    for (int j = 0; j < 8; ++j) {
        const float magnitude = std::abs(x[j]);
        shape.sum += magnitude;
        shape.negative |= x[j] < 0 ? 1U << j : 0U;
        if (magnitude < std::abs(x[shape.smallest])) {
            shape.smallest = j;
        }
        if (j > 0 && magnitude > std::abs(x[shape.largest])) {
            shape.second = shape.largest;
            shape.largest = j;
        } else if (j > 0 && (shape.second < 0 || magnitude > std::abs(x[shape.second]))) {
            shape.second = j;
        }
    }
    return shape;
}

} // namespace

E8RootBook::E8RootBook() : points_{}, integerEntry_{}, halfEntry_{} {
    addIntegers();
    addHalves();
    addDoubles();
}

const E8RootBook& E8RootBook::instance() {
    static const E8RootBook book;
    return book;
}

void E8RootBook::addIntegers() {
    for (size_t number = 0; number < integerEntry_.size(); ++number) {
        std::array<float, 8> point{};
        int norm = 0;
        for (int j = 0; j < 8; ++j) {
            const int v = static_cast<int>(number) / kPlace[j] % 3 - 1;
            point[j] = static_cast<float>(v);
            norm += v * v;
        }
        if (norm == 0 || norm == 2) {
            integerEntry_[number] = static_cast<uint8_t>(size_);
            points_[size_++] = point;
        }
    }
}

void E8RootBook::addHalves() {
    for (uint32_t number = 0; number < 256; ++number) {
        std::array<float, 8> point{};
        uint32_t negative = 0;
        for (int j = 0; j < 8; ++j) {
            const bool isPositive = ((number >> (7 - j)) & 1U) != 0;
            point[j] = isPositive ? 0.5F : -0.5F;
            negative |= isPositive ? 0U : 1U << j;
        }
        if (std::popcount(negative) % 2 == 0) {
            halfEntry_[negative] = static_cast<uint8_t>(size_);
            points_[size_++] = point;
        }
    }
}

void E8RootBook::addDoubles() {
    for (int entry = kFirstDouble; entry < 256; ++entry) {
        const bool isNegative = entry >= kFirstNegativeDouble;
        points_[entry][entry - (isNegative ? kFirstNegativeDouble : kFirstDouble)] =
            isNegative ? -2.0F : 2.0F;
    }
}

uint8_t E8RootBook::pairEntry(int first, float x, int second, float y) const {
    const auto step = [](int coordinate, float value) {
        return value < 0 ? -kPlace[coordinate] : kPlace[coordinate];
    };
    return integerEntry_[kOrigin + step(first, x) + step(second, y)];
}

uint8_t E8RootBook::nearest(const std::array<float, 8>& x) const {
    const Shape shape = shapeOf(x);
    const float top = std::abs(x[shape.largest]);
    const bool isOdd = std::popcount(shape.negative) % 2 != 0;
    const bool lacksDouble = shape.largest == 7 && x[7] < 0;
    // x.p - |p|^2 / 2 of the best point of each kind.
    const float pair = top + std::abs(x[shape.second]) - 1;
    const float halves = shape.sum / 2 - (isOdd ? std::abs(x[shape.smallest]) : 0) - 1;
    const float twice = lacksDouble ? -1 : 2 * top - 2;
    if (pair <= 0 && halves <= 0 && twice <= 0) {
        return integerEntry_[kOrigin];
    }
    if (pair >= halves && pair >= twice) {
        return pairEntry(shape.largest, x[shape.largest], shape.second, x[shape.second]);
    }
    if (halves >= twice) {
        return halfEntry_[shape.negative ^ (isOdd ? 1U << shape.smallest : 0U)];
    }
    return static_cast<uint8_t>((x[shape.largest] < 0 ? kFirstNegativeDouble : kFirstDouble) +
                                shape.largest);
}

} // namespace caldera::kernels
