#include "widgets/theme/color_ramp.h"

#include <algorithm>
#include <cmath>

namespace caldera::studio {

namespace {

double toLinear(double channel) {
    return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
}

double toEncoded(double channel) {
    return channel <= 0.0031308 ? channel * 12.92 : 1.055 * std::pow(channel, 1 / 2.4) - 0.055;
}

double mixChannel(double from, double to, double share) {
    return toEncoded(std::lerp(toLinear(from), toLinear(to), share));
}

} // namespace

QColor rampColor(std::span<const QRgb> stops, double position) {
    const double scaled = std::clamp(position, 0.0, 1.0) * static_cast<double>(stops.size() - 1);
    const size_t index = std::min(static_cast<size_t>(scaled), stops.size() - 2);
    const double share = scaled - static_cast<double>(index);
    const QColor from(stops[index]);
    const QColor to(stops[index + 1]);
    return QColor::fromRgbF(static_cast<float>(mixChannel(from.redF(), to.redF(), share)),
                            static_cast<float>(mixChannel(from.greenF(), to.greenF(), share)),
                            static_cast<float>(mixChannel(from.blueF(), to.blueF(), share)));
}

double luminance(const QColor& color) {
    return 0.2126 * toLinear(color.redF()) + 0.7152 * toLinear(color.greenF()) +
           0.0722 * toLinear(color.blueF());
}

double contrast(const QColor& first, const QColor& second) {
    const double a = luminance(first);
    const double b = luminance(second);
    return (std::max(a, b) + 0.05) / (std::min(a, b) + 0.05);
}

QColor inkOn(const QColor& background) {
    const QColor black(Qt::black);
    const QColor white(Qt::white);
    return contrast(background, black) >= contrast(background, white) ? black : white;
}

QColor mix(const QColor& under, const QColor& over, double opacity) {
    const auto blend = [opacity](int from, int to) {
        return static_cast<int>(std::lround(std::lerp(from, to, opacity)));
    };
    return {blend(under.red(), over.red()), blend(under.green(), over.green()),
            blend(under.blue(), over.blue())};
}

} // namespace caldera::studio
