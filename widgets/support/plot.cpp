#include "widgets/support/plot.h"

#include <QApplication>
#include <QToolTip>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "widgets/support/columns.h"
#include "widgets/support/curve_graph.h"
#include "widgets/support/number_text.h"
#include "widgets/support/plot_ticks.h"
#include "widgets/theme/color_ramp.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kTipReach = 24; ///< pixels around a point that show its value
constexpr int kGripReach = 6; ///< pixels beside the cursor line that take hold of it
constexpr int kTickRoom = 44; ///< pixels that a number below the x axis needs
constexpr QMargins kItemMargins(0, 0, 0, 2);
constexpr int kBesideAxis = 60; ///< pixels that numbers and title of the y axis take
constexpr int kFewestTicks = 2;
constexpr int kMostTicks = 8;
constexpr float kCaptionGround = 0.8F; ///< how much of the curves a caption covers
constexpr double kLeastRoom = 0.01;    ///< above and below the curves, of their height

void styleAxis(QCPAxis* axis, const PlotAxes& axes, bool vertical) {
    const Theme& theme = Theme::current();
    axis->setBasePen(QPen(theme.color(Token::Line)));
    axis->setTickPen(QPen(theme.color(Token::Line)));
    axis->setSubTickPen(Qt::NoPen);
    axis->setTickLabelColor(theme.color(Token::Secondary));
    axis->setLabelColor(theme.color(Token::Secondary));
    axis->setTickLabelFont(theme.numberFont(-1.5));
    axis->setLabelFont(theme.textFont(-1));
    axis->setTickLength(0, 3);
    axis->setTickLabelPadding(kSpaceTiny);
    axis->setLabelPadding(kSpaceTiny);
    axis->setLabel(vertical ? axes.yTitle : axes.xTitle);
    axis->grid()->setPen(QPen(mix(theme.color(Token::Panel), theme.color(Token::Line), 0.6)));
    axis->grid()->setZeroLinePen(Qt::NoPen);
    axis->grid()->setSubGridVisible(false);
}

/// Widths of the legend's items in their order, with room for what hangs below a line.
std::vector<int> itemWidths(const QCPLegend& legend) {
    std::vector<int> widths;
    for (int at = 0; at < legend.itemCount(); ++at) {
        if (QCPAbstractLegendItem* item = legend.item(at)) { // a grid has empty places
            item->setMargins(kItemMargins);
            widths.push_back(item->minimumOuterSizeHint().width());
        }
    }
    return widths;
}

/// Room around the data, so that curves do not lie on the frame. A course that hardly moves is not
/// stretched to the whole height.
QCPRange padded(const QCPRange& range, bool logarithmic) {
    if (logarithmic) {
        const double factor = std::pow(std::max(range.upper / range.lower, 1.05), 0.06);
        return {range.lower / factor, range.upper * factor};
    }
    const double space = std::max(range.size() * 0.06, std::abs(range.upper) * kLeastRoom + 1e-12);
    return {range.lower - space, range.upper + space};
}

} // namespace

Plot::Plot(const QString& name, QWidget* parent) : QCustomPlot(parent), name_(name) {
    setAccessibleName(name);
    setFocusPolicy(Qt::ClickFocus);
    setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
    axisRect()->setRangeDrag(Qt::Horizontal);
    axisRect()->setRangeZoom(Qt::Horizontal);
    axisRect()->setMinimumMargins(QMargins(kSpaceTiny, kSpaceTiny, kSpaceTiny, kSpaceTiny));
    setMouseTracking(true);
    setAutoAddPlottableToLegend(false); // curves without a name are no part of it
    setMinimumHeight(96);
    cursor_ = new QCPItemLine(this);
    cursorText_ = new QCPItemText(this);
    cursor_->setVisible(false);
    cursorText_->setVisible(false);
    cursorText_->setLayer(u"legend"_s); // above the curves
    cursorText_->setClipToAxisRect(false);
    cursorText_->position->setTypeX(QCPItemPosition::ptAbsolute);
    cursorText_->position->setTypeY(QCPItemPosition::ptAxisRectRatio);
    cursorText_->position->setAxisRect(axisRect());
    cursorText_->setPositionAlignment(Qt::AlignLeft | Qt::AlignBottom);
    cursorText_->setPadding(QMargins(kSpaceTiny, 0, kSpaceTiny, 2));
    connect(this, &QCustomPlot::afterLayout, this, &Plot::placeCaption);
    hair_ = new QCPItemStraightLine(this);
    hair_->setLayer(u"overlay"_s); // which is painted without the curves
    hair_->setVisible(false);
    connect(&Theme::current(), &Theme::themeChanged, this, &Plot::restyle);
    restyle();
}

void Plot::setCurves(const PlotAxes& axes, const QList<Curve>& curves) {
    axes_ = axes;
    curves_ = curves;
    clearGraphs();
    yAxis->setScaleType(axes.logarithmicY ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
    yAxis->setTicker(axes.logarithmicY ? decadeTicks() : evenTicks());
    xAxis->setScaleType(axes.logarithmicX ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
    xAxis->setTicker(axes.logarithmicX ? decadeTicks()
                     : axes.integerX   ? wholeTicks()
                                       : evenTicks());
    for (const Curve& curve : curves_) {
        auto* graph = new CurveGraph(xAxis, yAxis);
        graph->setName(curve.name);
        graph->setData(curve.x, curve.y, true);
        if (curve.named) {
            graph->addToLegend();
        }
    }
    restyle();
    fitLegend();
    fitTicks();
    showAll();
}

void Plot::setCurveData(int index, const QVector<double>& x, const QVector<double>& y) {
    curves_[index].x = x;
    curves_[index].y = y;
    graph(index)->setData(x, y, true);
    showAll();
}

void Plot::setCursorLine(std::optional<double> x, const QString& caption) {
    const bool isThere = x && cursor_->visible() && cursor_->start->key() == *x &&
                         xAxis->range().contains(*x) && cursorText_->text() == caption;
    if (isThere || (!x && !cursor_->visible())) {
        return; // most edits of a plan change another cell than the one that is looked at
    }
    cursor_->setVisible(x.has_value());
    cursorText_->setText(caption);
    if (x) {
        for (QCPItemPosition* end : {cursor_->start, cursor_->end}) {
            end->setTypeX(QCPItemPosition::ptPlotCoords);
            end->setTypeY(QCPItemPosition::ptAxisRectRatio);
            end->setAxisRect(axisRect());
        }
        if (*x > xAxis->range().upper || *x < xAxis->range().lower) {
            xAxis->setRange(xAxis->range().expanded(padded({*x, *x}, axes_.logarithmicX)));
        }
        cursor_->start->setCoords(*x, 0);
        cursor_->end->setCoords(*x, 1);
    }
    replot(rpQueuedReplot);
}

/// Beside the line, where there is more room, and never across the edge of the plot.
void Plot::placeCaption() {
    const double line = xAxis->coordToPixel(cursor_->start->key());
    const bool isInSight = line >= axisRect()->left() && line <= axisRect()->right() + 1;
    cursorText_->setVisible(cursor_->visible() && isInSight && !cursorText_->text().isEmpty());
    const double needed =
        cursorText_->right->pixelPosition().x() - cursorText_->left->pixelPosition().x();
    const double left = line > axisRect()->center().x() ? line - needed : line;
    const double most = std::max(0.0, viewport().width() - needed);
    cursorText_->position->setCoords(std::clamp<double>(left, 0, most), 1);
}

void Plot::setHair(std::optional<double> x) {
    hair_->setVisible(x.has_value());
    if (x) {
        hair_->point1->setCoords(*x, yAxis->range().lower);
        hair_->point2->setCoords(*x, yAxis->range().upper);
    }
    layer(u"overlay"_s)->replot();
}

void Plot::showLegend() {
    axisRect()->insetLayout()->take(legend);
    auto* line = new QCPLayoutGrid;
    plotLayout()->insertRow(0);
    plotLayout()->addElement(0, 0, line);
    plotLayout()->setRowStretchFactor(0, 1e-3);
    line->addElement(0, 0, legend);
    line->addElement(0, 1, new QCPLayoutElement(this));
    line->setColumnStretchFactor(0, 1e-3);
    legend->setVisible(true);
    fitLegend();
    replot(rpQueuedReplot);
}

void Plot::fitLegend() {
    if (legend->visible() && legend->itemCount() > 0) {
        legend->setWrap(fittingColumns(itemWidths(*legend), legend->columnSpacing(),
                                       width() - 2 * kSpaceMedium));
        legend->setFillOrder(QCPLayoutGrid::foColumnsFirst);
    }
}

void Plot::showAll() {
    bool found = false;
    QCPRange x;
    QCPRange y;
    for (int index = 0; index < graphCount(); ++index) {
        bool okX = false;
        bool okY = false;
        const QCP::SignDomain domain = axes_.logarithmicY ? QCP::sdPositive : QCP::sdBoth;
        const QCPRange rangeX = graph(index)->getKeyRange(okX, QCP::sdBoth);
        const QCPRange rangeY = graph(index)->getValueRange(okY, domain);
        if (okX && okY) {
            x = found ? x.expanded(rangeX) : rangeX;
            y = found ? y.expanded(rangeY) : rangeY;
            found = true;
        }
    }
    if (found) {
        xAxis->setRange(padded(x, axes_.logarithmicX));
        yAxis->setRange(padded(y, axes_.logarithmicY));
    }
    replot(rpQueuedReplot);
}

bool Plot::nearCursorLine(const QPoint& position) const {
    return draggable_ && cursor_->visible() && axisRect()->rect().contains(position) &&
           std::abs(xAxis->coordToPixel(cursor_->start->key()) - position.x()) <= kGripReach;
}

void Plot::mousePressEvent(QMouseEvent* event) {
    pressed_ = event->pos();
    if (event->button() == Qt::LeftButton && nearCursorLine(event->pos())) {
        dragging_ = true;
        Q_EMIT cursorDragBegan();
        return;
    }
    QCustomPlot::mousePressEvent(event);
}

void Plot::mouseReleaseEvent(QMouseEvent* event) {
    if (std::exchange(dragging_, false)) {
        return;
    }
    QCustomPlot::mouseReleaseEvent(event);
    const int moved = (event->pos() - pressed_).manhattanLength();
    if (event->button() == Qt::LeftButton && moved < QApplication::startDragDistance()) {
        Q_EMIT clicked(xAxis->pixelToCoord(event->pos().x()),
                       yAxis->pixelToCoord(event->pos().y()));
        if (const auto found = pointNear(event->pos())) {
            Q_EMIT pointClicked(*found);
        }
    }
}

void Plot::mouseMoveEvent(QMouseEvent* event) {
    if (dragging_) {
        Q_EMIT cursorDragged(xAxis->pixelToCoord(event->pos().x()));
        return;
    }
    setCursor(nearCursorLine(event->pos()) ? Qt::SizeHorCursor : Qt::ArrowCursor);
    QCustomPlot::mouseMoveEvent(event);
    Q_EMIT hovered(axisRect()->rect().contains(event->pos())
                       ? std::optional(xAxis->pixelToCoord(event->pos().x()))
                       : std::nullopt);
    const QString tip = event->buttons() == Qt::NoButton ? tipAt(event->pos()) : QString();
    if (tip.isEmpty()) {
        QToolTip::hideText();
    } else {
        QToolTip::showText(event->globalPosition().toPoint(), tip, this);
    }
}

void Plot::mouseDoubleClickEvent(QMouseEvent*) {
    showAll();
}

void Plot::resizeEvent(QResizeEvent* event) {
    fitLegend();
    fitTicks();
    QCustomPlot::resizeEvent(event);
}

/// As many numbers along x as stand beside each other.
void Plot::fitTicks() {
    xAxis->ticker()->setTickCount(
        qBound(kFewestTicks, (width() - kBesideAxis) / kTickRoom, kMostTicks));
}

void Plot::leaveEvent(QEvent* event) {
    Q_EMIT hovered(std::nullopt);
    QToolTip::hideText();
    QCustomPlot::leaveEvent(event);
}

std::optional<CurvePoint> Plot::pointNear(const QPoint& position) const {
    double nearest = kTipReach;
    std::optional<CurvePoint> found;
    for (int index = 0; index < curves_.size(); ++index) {
        const Curve& curve = curves_[index];
        for (qsizetype at = 0; at < curve.x.size(); ++at) {
            const double dx = xAxis->coordToPixel(curve.x[at]) - position.x();
            if (std::abs(dx) >= nearest) {
                continue;
            }
            const double distance = std::hypot(dx, yAxis->coordToPixel(curve.y[at]) - position.y());
            if (distance < nearest) {
                nearest = distance;
                found = CurvePoint{index, at};
            }
        }
    }
    return found;
}

QString Plot::tipAt(const QPoint& position) const {
    const std::optional<CurvePoint> found = pointNear(position);
    if (!found) {
        return {};
    }
    const Curve& curve = curves_[found->curve];
    const QString tip = tr("%1\n%2: %3\n%4: %5")
                            .arg(curve.name, axes_.xTitle, figureText(curve.x[found->point], 4),
                                 axes_.yTitle, figureText(curve.y[found->point], 5));
    const QString note = curve.notes.value(found->point);
    return note.isEmpty() ? tip : tip + u'\n' + note;
}

void Plot::restyle() {
    const Theme& theme = Theme::current();
    setBackground(QBrush(theme.color(Token::Panel)));
    styleAxis(xAxis, axes_, false);
    styleAxis(yAxis, axes_, true);
    legend->setBrush(QBrush(theme.color(Token::Panel)));
    legend->setBorderPen(Qt::NoPen);
    legend->setTextColor(theme.color(Token::Secondary));
    legend->setFont(theme.textFont(-1.5));
    legend->setIconSize(16, 8);
    legend->setRowSpacing(0);
    legend->setColumnSpacing(kSpaceMedium);
    legend->setMargins(QMargins(kSpaceTiny, 2, kSpaceTiny, kSpaceTiny));
    for (int index = 0; index < graphCount(); ++index) {
        const Curve& curve = curves_[index];
        QPen pen(curve.color(), curve.width);
        pen.setStyle(curve.dashed ? Qt::DashLine : Qt::SolidLine);
        pen.setCapStyle(Qt::RoundCap);
        graph(index)->setPen(pen);
        graph(index)->setScatterStyle(
            curve.points ? QCPScatterStyle(QCPScatterStyle::ssDisc, curve.color(), 5)
                         : QCPScatterStyle(QCPScatterStyle::ssNone));
    }
    hair_->setPen(QPen(theme.color(Token::Secondary), 1));
    const QColor line = theme.color(Token::Accent);
    cursor_->setPen(QPen(line, 1, Qt::DashLine));
    cursorText_->setColor(line);
    QColor ground = theme.color(Token::Panel);
    ground.setAlphaF(kCaptionGround);
    cursorText_->setBrush(ground);
    cursorText_->setFont(theme.numberFont(-1.5));
    replot(rpQueuedReplot);
}

void linkPlots(const QList<Plot*>& plots) {
    for (Plot* from : plots) {
        for (Plot* to : plots) {
            QObject::connect(from, &Plot::hovered, to, &Plot::setHair);
            if (from != to) {
                QObject::connect(from->xAxis, qOverload<const QCPRange&>(&QCPAxis::rangeChanged),
                                 to, [to](const QCPRange& range) {
                                     to->xAxis->setRange(range);
                                     to->replot(QCustomPlot::rpQueuedReplot);
                                 });
            }
        }
    }
}

} // namespace caldera::studio
