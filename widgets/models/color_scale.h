// From a metric's values to places on the colour ramp: linear, logarithmic, by rank or around 1.
#pragma once

#include <vector>

namespace caldera::studio {

class ColorScale {
public:
    enum class Kind {
        Linear,
        Logarithmic, ///< for measures that run over decades; at most kDecades below the largest
        Rank,        ///< the share of values below: as many cells of every colour
        Ratio        ///< for one thing over another: 1 has the middle, 2 is as far from it as 1/2
    };
    static constexpr double kDecades = 5;

    ColorScale() = default;
    /// Values that are no numbers count for nothing. Where no value is positive a logarithmic scale
    /// is a linear one.
    ColorScale(Kind kind, std::vector<double> values);

    bool empty() const { return sorted_.empty(); }
    /// Not always as asked for.
    Kind kind() const { return kind_; }
    /// Whether the middle of the ramp means something: two hues part there.
    bool isDiverging() const { return kind_ == Kind::Ratio; }
    double smallest() const { return sorted_.front(); }
    double largest() const { return sorted_.back(); }
    /// What has the ramp's first colour: the smallest value, one above it that ends a logarithmic
    /// scale, or of ratios one as far below 1 as the farthest is from it.
    double low() const { return low_; }
    /// 0 calm .. 1 fragile; one half where all values are the same. The scale is not empty.
    double position(double value) const;
    /// Values to write below the ramp, from its first to its last: both ends, and round numbers (of
    /// ranks the quartiles) between them.
    std::vector<double> ticks() const;

    bool operator==(const ColorScale&) const = default;

private:
    std::vector<double> sorted_; ///< of Rank all values, else the smallest and the largest
    Kind kind_ = Kind::Linear;
    double low_ = 0;
    double logSpan_ = 0; ///< from low_ to largest(), where ratios count
};

} // namespace caldera::studio
