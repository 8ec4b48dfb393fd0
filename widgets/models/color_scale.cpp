#include "widgets/models/color_scale.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace caldera::studio {

namespace {

constexpr int kTicks = 4;         ///< about as many round numbers as fit
constexpr double kFewDecades = 2; ///< below this many, decades are divided

/// 1, 2 or 5 times a power of ten, at least `step`.
double roundStep(double step) {
    const double decade = std::pow(10.0, std::floor(std::log10(step)));
    for (const double part : {1.0, 2.0, 5.0}) {
        if (part * decade >= step) {
            return part * decade;
        }
    }
    return 10 * decade;
}

std::vector<double> evenNumbers(double low, double high) {
    const double step = roundStep((high - low) / kTicks);
    std::vector<double> numbers;
    const double first = std::ceil(low / step);
    for (int count = 0; count <= kTicks; ++count) {
        numbers.push_back((first + count) * step);
    }
    return numbers;
}

std::vector<double> decades(double low, double high) {
    const double span = std::log10(high / low);
    std::vector<double> numbers;
    for (double power = std::floor(std::log10(low)); power <= std::log10(high); ++power) {
        for (const double part : {1.0, 2.0, 5.0}) {
            if (part == 1 || span < kFewDecades) {
                numbers.push_back(part * std::pow(10.0, power));
            }
        }
    }
    return numbers;
}

} // namespace

ColorScale::ColorScale(Kind kind, std::vector<double> values)
    : sorted_(std::move(values)), kind_(kind) {
    std::erase_if(sorted_, [](double value) { return !std::isfinite(value); });
    std::sort(sorted_.begin(), sorted_.end());
    if (sorted_.empty()) {
        kind_ = Kind::Linear;
        return;
    }
    const bool needsPositive = kind_ == Kind::Logarithmic || kind_ == Kind::Ratio;
    if (needsPositive && largest() <= 0) {
        kind_ = Kind::Linear;
    }
    low_ = smallest();
    if (kind_ == Kind::Logarithmic) {
        const double positive = *std::upper_bound(sorted_.begin(), sorted_.end(), 0.0);
        low_ = std::max(positive, largest() * std::pow(10.0, -kDecades));
    }
    if (kind_ == Kind::Ratio) {
        const double positive = *std::upper_bound(sorted_.begin(), sorted_.end(), 0.0);
        const double farthest = std::max(largest(), 1 / positive);
        low_ = 1 / farthest;
        sorted_ = {low_, farthest};
    } else if (kind_ != Kind::Rank) {
        sorted_ = {smallest(), largest()};
    }
    logSpan_ = low_ > 0 && largest() > low_ ? std::log(largest() / low_) : 0;
}

double ColorScale::position(double value) const {
    if (!(largest() > low_)) {
        return 0.5;
    }
    double place = 0;
    if (kind_ == Kind::Rank) {
        const auto [first, last] = std::equal_range(sorted_.begin(), sorted_.end(), value);
        // Of equal values all have the middle of their places.
        const auto below = static_cast<double>(first - sorted_.begin());
        const auto equal = static_cast<double>(std::max<std::ptrdiff_t>(last - first, 1));
        place = (below + (equal - 1) / 2) / static_cast<double>(sorted_.size() - 1);
    } else if (kind_ == Kind::Logarithmic || kind_ == Kind::Ratio) {
        place = value <= low_ ? 0 : std::log(value / low_) / logSpan_;
    } else {
        place = (value - low_) / (largest() - low_);
    }
    return std::clamp(place, 0.0, 1.0);
}

std::vector<double> ColorScale::ticks() const {
    if (!(largest() > low_)) {
        return {low_};
    }
    std::vector<double> inner;
    if (kind_ == Kind::Rank) {
        for (const size_t quarter : {1U, 2U, 3U}) {
            inner.push_back(sorted_[(sorted_.size() - 1) * quarter / 4]);
        }
    } else if (kind_ == Kind::Ratio) {
        inner = {std::sqrt(low_), 1, std::sqrt(largest())};
    } else {
        inner =
            kind_ == Kind::Logarithmic ? decades(low_, largest()) : evenNumbers(low_, largest());
    }
    std::vector<double> all{low_};
    for (const double value : inner) {
        if (value > low_ && value < largest()) {
            all.push_back(value);
        }
    }
    all.push_back(largest());
    return all;
}

} // namespace caldera::studio
