#include "widgets/support/curve_graph.h"

#include <cmath>

namespace caldera::studio {

namespace {

constexpr int kMostPoints = 1024; ///< more are thinned out before they are drawn, by QCPGraph

/// Pixels of the values along an axis.
class PixelScale {
public:
    explicit PixelScale(const QCPAxis& axis)
        : axis_(axis), isLogarithmic_(axis.scaleType() == QCPAxis::stLogarithmic) {
        const QCPRange range = axis.range();
        const double first = isLogarithmic_ ? std::log(range.lower) : range.lower;
        const double last = isLogarithmic_ ? std::log(range.upper) : range.upper;
        const double start = axis.coordToPixel(range.lower);
        perUnit_ = (axis.coordToPixel(range.upper) - start) / (last - first);
        zero_ = start - first * perUnit_;
    }

    double at(double value) const {
        if (isLogarithmic_ && value <= 0) {
            return axis_.coordToPixel(value); // far outside
        }
        return zero_ + perUnit_ * (isLogarithmic_ ? std::log(value) : value);
    }

private:
    const QCPAxis& axis_;
    bool isLogarithmic_;
    double perUnit_ = 0;
    double zero_ = 0; ///< the pixel of value 0, or of 1 where the axis is logarithmic
};

} // namespace

void CurveGraph::draw(QCPPainter* painter) {
    if (dataCount() > kMostPoints || !scatterStyle().isNone() || lineStyle() != lsLine) {
        QCPGraph::draw(painter);
        return;
    }
    const PixelScale keys(*keyAxis());
    const PixelScale values(*valueAxis());
    // What is far outside of a zoomed axis is not drawn, but for one point on either side.
    const auto first = data()->findBegin(keyAxis()->range().lower);
    const auto end = data()->findEnd(keyAxis()->range().upper);
    QVector<QPointF> line;
    line.reserve(end - first);
    for (auto point = first; point != end; ++point) {
        line.append({keys.at(point->key), values.at(point->value)});
    }
    painter->setPen(pen());
    painter->setBrush(Qt::NoBrush);
    drawLinePlot(painter, line);
}

} // namespace caldera::studio
