#include "core/summary/chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

namespace caldera {

namespace {

constexpr double kSmall = 6.5; ///< size of the letters in charts
constexpr double kAxisRoom = 30;
constexpr double kTitleRoom = 24;
constexpr double kFootRoom = 18;
constexpr int kMostTicks = 5;

// Calm to fragile on white: the studio's ramp of its light theme.
constexpr std::array<Ink, 7> kRamp = {{{254, 232, 56},
                                       {214, 194, 90},
                                       {169, 157, 109},
                                       {127, 124, 117},
                                       {87, 92, 109},
                                       {42, 63, 109},
                                       {0, 34, 78}}};
constexpr std::array<Ink, 7> kModuleInks = {{{31, 111, 203},
                                             {169, 106, 0},
                                             {35, 128, 90},
                                             {142, 63, 163},
                                             {193, 59, 49},
                                             {19, 127, 134},
                                             {107, 112, 48}}};

Ink rampInk(double position) {
    const double place = std::clamp(position, 0.0, 1.0) * (kRamp.size() - 1);
    const auto below = std::min(static_cast<size_t>(place), kRamp.size() - 2);
    const double share = place - static_cast<double>(below);
    const auto mix = [share](uint8_t a, uint8_t b) {
        return static_cast<uint8_t>(std::lround(a + share * (b - a)));
    };
    const Ink& a = kRamp.at(below);
    const Ink& b = kRamp.at(below + 1);
    return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue)};
}

struct Range {
    double low = std::numeric_limits<double>::infinity();
    double high = -std::numeric_limits<double>::infinity();
    void take(double value) {
        if (std::isfinite(value)) {
            low = std::min(low, value);
            high = std::max(high, value);
        }
    }
    bool empty() const { return low > high; }
    /// Never of no width.
    Range widened() const {
        const double least = std::max(std::abs(high) * 0.02, 1e-12);
        return high - low >= least ? *this : Range{low - least / 2, high + least / 2};
    }
};

/// Even steps of 1, 2 or 5 times a power of ten.
double tickStep(const Range& range) {
    const double rough = (range.high - range.low) / kMostTicks;
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor * power >= rough) {
            return factor * power;
        }
    }
    return 10 * power;
}

/// All multiples of the step in the range.
std::vector<double> ticksOf(const Range& range, double step) {
    std::vector<double> ticks;
    const auto first = static_cast<int64_t>(std::ceil(range.low / step - 1e-9));
    const auto last = static_cast<int64_t>(std::floor(range.high / step + 1e-9));
    for (int64_t number = first; number <= last; ++number) {
        ticks.push_back(static_cast<double>(number) * step);
    }
    return ticks;
}

/// Turns a chart's numbers into places of the page.
class Scale {
public:
    Scale(const Frame& frame, const Range& x, const Range& y) : frame_(frame), x_(x), y_(y) {}
    Point place(const Point& value) const {
        return {frame_.corner.x + (value.x - x_.low) / (x_.high - x_.low) * frame_.width,
                frame_.corner.y + frame_.height -
                    (value.y - y_.low) / (y_.high - y_.low) * frame_.height};
    }
    void drawTicks(Drawing& page) const {
        const double left = frame_.corner.x;
        const double foot = frame_.corner.y + frame_.height;
        for (const double tick : ticksOf(y_, tickStep(y_))) {
            const double y = place({x_.low, tick}).y;
            page.shapes.emplace_back(Line{{{left, y}, {left + frame_.width, y}}, 0.4, kRule});
            page.shapes.emplace_back(
                rightAligned({left - 3, y + 2}, kSmall, kPaleInk, figure(tick)));
        }
        for (const double tick : ticksOf(x_, std::max(1.0, tickStep(x_)))) { // layers are whole
            const std::string text = figure(tick);
            const double half = kMonoWidth * kSmall * static_cast<double>(text.size()) / 2;
            page.shapes.emplace_back(
                rightAligned({place({tick, y_.low}).x + half, foot + 8}, kSmall, kPaleInk, text));
        }
        page.shapes.emplace_back(Line{{{left, foot}, {left + frame_.width, foot}}, 0.6, kPaleInk});
    }

private:
    Frame frame_;
    Range x_, y_;
};

void drawLegend(const Chart& chart, Point at, Drawing& page) {
    for (const ChartCurve& curve : chart.curves) {
        page.shapes.emplace_back(Line{{{at.x, at.y - 2}, {at.x + 9, at.y - 2}}, 1.4, curve.ink});
        page.shapes.emplace_back(
            Words{{at.x + 11, at.y}, kSmall, Font::Mono, kPaleInk, curve.name});
        at.x += 17 + kMonoWidth * kSmall * static_cast<double>(curve.name.size());
    }
}

} // namespace

Ink moduleInk(Module module) {
    return kModuleInks.at(static_cast<size_t>(module));
}

std::string figure(double value, int figures) {
    std::array<char, 48> text{};
    const double size = std::abs(value);
    if (size != 0 && (size < 1e-4 || size >= 1e12)) {
        std::snprintf(text.data(), text.size(), "%.*e", figures - 1, value);
    } else if (size >= std::pow(10.0, figures - 1) || value == std::round(value)) {
        std::snprintf(text.data(), text.size(), "%.0f", value);
    } else {
        const int before = static_cast<int>(std::floor(std::log10(size))) + 1;
        std::snprintf(text.data(), text.size(), "%.*f", figures - before, value);
    }
    return text.data();
}

void draw(const Chart& chart, const Frame& frame, Drawing& page) {
    page.shapes.emplace_back(
        Words{{frame.corner.x, frame.corner.y + 8}, 8, Font::Bold, kInk, chart.title});
    Range x;
    Range y;
    for (const ChartCurve& curve : chart.curves) {
        for (const Point& point : curve.points) {
            x.take(point.x);
            y.take(point.y);
        }
    }
    if (x.empty() || y.empty()) {
        page.shapes.emplace_back(Words{
            {frame.corner.x, frame.corner.y + kTitleRoom}, 8, Font::Plain, kPaleInk, chart.empty});
        return;
    }
    drawLegend(chart, {frame.corner.x, frame.corner.y + 18}, page);
    const Frame inside{{frame.corner.x + kAxisRoom, frame.corner.y + kTitleRoom},
                       frame.width - kAxisRoom,
                       frame.height - kTitleRoom - kFootRoom};
    const Scale scale(inside, x.widened(), y.widened());
    scale.drawTicks(page);
    for (const ChartCurve& curve : chart.curves) {
        Line line{{}, 1, curve.ink};
        for (const Point& point : curve.points) {
            if (std::isfinite(point.x) && std::isfinite(point.y)) {
                line.points.push_back(scale.place(point));
            }
        }
        if (line.points.size() > 1) {
            page.shapes.emplace_back(std::move(line));
        }
    }
    page.shapes.emplace_back(Words{{inside.corner.x, frame.corner.y + frame.height - 1},
                                   kSmall,
                                   Font::Plain,
                                   kPaleInk,
                                   chart.xTitle});
}

namespace {

/// Modules by layers with a legend below, inside a frame.
class CellMap {
public:
    CellMap(int layers, const Range& range, const Frame& frame, Drawing& page)
        : layers_(layers), range_(range), wide_(range.widened()), frame_(frame), page_(page) {}

    /// Layer by layer in the colours of the ramp; grey where nothing was measured.
    void drawRow(const std::map<Cell, double>& values, Module module) {
        const double height = (frame_.height - 18) / static_cast<double>(kModules.size());
        const double top = frame_.corner.y + height * static_cast<double>(module);
        const double width = (frame_.width - kNameRoom) / layers_;
        words({frame_.corner.x, top + height - 3}, std::string(moduleName(module)));
        for (int layer = 0; layer < layers_; ++layer) {
            const auto found = values.find({layer, module});
            const bool measured = found != values.end() && std::isfinite(found->second);
            const Ink ink =
                measured ? rampInk((found->second - wide_.low) / (wide_.high - wide_.low)) : kRule;
            page_.shapes.emplace_back(FilledBox{{left() + width * layer, top},
                                                width - std::min(0.5, width / 8),
                                                height - 0.5,
                                                ink});
        }
    }
    /// What the colours mean, and which layers there are.
    void drawLegend() {
        const double foot = frame_.corner.y + frame_.height - 8;
        for (int step = 0; step < 60; ++step) {
            page_.shapes.emplace_back(
                FilledBox{{left() + 32 + step, foot - 5}, 1.2, 6, rampInk(step / 59.0)});
        }
        page_.shapes.emplace_back(
            rightAligned({left() + 28, foot}, kSmall, kPaleInk, figure(range_.low)));
        words({left() + 96, foot}, figure(range_.high));
        page_.shapes.emplace_back(rightAligned({frame_.corner.x + frame_.width, foot}, kSmall,
                                               kPaleInk,
                                               "layer 0 to " + std::to_string(layers_ - 1)));
    }

private:
    static constexpr double kNameRoom = 52;
    double left() const { return frame_.corner.x + kNameRoom; }
    void words(Point base, const std::string& text) {
        page_.shapes.emplace_back(Words{base, kSmall, Font::Mono, kPaleInk, text});
    }

    int layers_;
    Range range_;
    Range wide_;
    Frame frame_;
    Drawing& page_;
};

} // namespace

void drawCells(const std::map<Cell, double>& values, int layers, const Frame& frame,
               Drawing& page) {
    Range range;
    for (const auto& [cell, value] : values) {
        range.take(value);
    }
    if (range.empty() || layers <= 0) {
        page.shapes.emplace_back(Words{{frame.corner.x, frame.corner.y + 8},
                                       8,
                                       Font::Plain,
                                       kPaleInk,
                                       "No cell was measured."});
        return;
    }
    CellMap map(layers, range, frame, page);
    for (const Module module : kModules) {
        map.drawRow(values, module);
    }
    map.drawLegend();
}

} // namespace caldera
