// Charts of the one-page report.
#pragma once

#include <map>

#include "core/model/module.h"
#include "core/summary/drawing.h"

namespace caldera {

inline constexpr Ink kInk{27, 31, 39};
inline constexpr Ink kPaleInk{90, 99, 114};
inline constexpr Ink kRule{221, 225, 231};

struct Frame {
    Point corner; ///< upper left
    double width = 0;
    double height = 0;
};

struct ChartCurve {
    std::string name;
    Ink ink;
    std::vector<Point> points; ///< in the chart's numbers
};

/// Lines over two axes with a legend above them. Without a point it says `empty`.
struct Chart {
    std::string title;
    std::string xTitle;
    std::string empty;
    std::vector<ChartCurve> curves;
};
void draw(const Chart& chart, const Frame& frame, Drawing& page);

/// The colour of a module's curves, as in the studio on white.
Ink moduleInk(Module module);

/// Modules by layers, coloured by value, dark where it is large, with a legend below.
void drawCells(const std::map<Cell, double>& values, int layers, const Frame& frame, Drawing& page);

/// "0.0913", "12.4", "2048": significant figures without an exponent for everyday sizes; whole
/// numbers whole.
std::string figure(double value, int figures = 3);

} // namespace caldera
