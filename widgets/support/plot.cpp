#include "widgets/support/plot.h"

#include <QApplication>
#include <QBuffer>
#include <QClipboard>
#include <QGuiApplication>
#include <QMenu>
#include <QPdfWriter>
#include <QSvgGenerator>
#include <QToolTip>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "widgets/support/columns.h"
#include "widgets/support/number_text.h"
#include "widgets/support/plot_ticks.h"
#include "widgets/support/save_file.h"
#include "widgets/theme/color_ramp.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kTipReach = 24; ///< pixels around a point that show its value
constexpr int kGripReach = 6; ///< pixels beside the cursor line that take hold of it
constexpr int kTickRoom = 44; ///< pixels that a number below the x axis needs
constexpr int kFewestTicks = 3;
constexpr int kMostTicks = 8;
constexpr double kLeastRoom = 0.01; ///< above and below the curves, of their height

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

/// Widths of the legend's items in their order.
std::vector<int> itemWidths(const QCPLegend& legend) {
    std::vector<int> widths;
    for (int at = 0; at < legend.itemCount(); ++at) {
        if (const QCPAbstractLegendItem* item = legend.item(at)) { // a grid has empty places
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
    setMinimumHeight(96);
    cursor_ = new QCPItemLine(this);
    cursorText_ = new QCPItemText(this);
    cursor_->setVisible(false);
    cursorText_->setVisible(false);
    connect(&Theme::current(), &Theme::themeChanged, this, &Plot::restyle);
    restyle();
}

void Plot::setCurves(const PlotAxes& axes, const QList<Curve>& curves) {
    axes_ = axes;
    curves_ = curves;
    clearGraphs();
    yAxis->setScaleType(axes.logarithmicY ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
    yAxis->setTicker(axes.logarithmicY ? decadeTicks() : evenTicks());
    xAxis->setTicker(axes.integerX ? wholeTicks() : evenTicks());
    for (const Curve& curve : curves_) {
        QCPGraph* graph = addGraph();
        graph->setName(curve.name);
        graph->setData(curve.x, curve.y, true);
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
    cursor_->setVisible(x.has_value());
    cursorText_->setVisible(x.has_value() && !caption.isEmpty());
    if (x) {
        for (QCPItemPosition* end : {cursor_->start, cursor_->end}) {
            end->setTypeX(QCPItemPosition::ptPlotCoords);
            end->setTypeY(QCPItemPosition::ptAxisRectRatio);
            end->setAxisRect(axisRect());
        }
        if (*x > xAxis->range().upper || *x < xAxis->range().lower) {
            xAxis->setRange(xAxis->range().expanded(padded({*x, *x}, false)));
        }
        cursor_->start->setCoords(*x, 0);
        cursor_->end->setCoords(*x, 1);
        cursorText_->position->setTypeX(QCPItemPosition::ptPlotCoords);
        cursorText_->position->setTypeY(QCPItemPosition::ptAxisRectRatio);
        cursorText_->position->setAxisRect(axisRect());
        cursorText_->position->setCoords(*x, 1);
        // Beside the line where there is room for it.
        const bool right = *x > xAxis->range().center();
        cursorText_->setPositionAlignment((right ? Qt::AlignRight : Qt::AlignLeft) |
                                          Qt::AlignBottom);
        cursorText_->setPadding(QMargins(kSpaceTiny, 0, kSpaceTiny, 2));
        cursorText_->setText(caption);
    }
    replot(rpQueuedReplot);
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
        xAxis->setRange(padded(x, false));
        yAxis->setRange(padded(y, axes_.logarithmicY));
    }
    replot(rpQueuedReplot);
}

QString Plot::csv() const {
    QString text = u"curve,x,y\n"_s;
    for (const Curve& curve : curves_) {
        for (qsizetype at = 0; at < curve.x.size(); ++at) {
            text +=
                u"\"%1\",%2,%3\n"_s.arg(curve.name, QString::fromStdString(numberText(curve.x[at])),
                                        QString::fromStdString(numberText(curve.y[at])));
        }
    }
    return text;
}

QByteArray Plot::exported(const QString& suffix) {
    if (suffix == u"csv") {
        return csv().toUtf8();
    }
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    if (suffix == u"svg") {
        QSvgGenerator generator;
        generator.setOutputDevice(&buffer);
        generator.setSize(size());
        generator.setViewBox(rect());
        QCPPainter painter;
        painter.begin(&generator);
        toPainter(&painter, width(), height());
        painter.end();
    } else if (suffix == u"pdf") {
        QPdfWriter writer(&buffer);
        writer.setResolution(96);
        writer.setPageMargins(QMarginsF());
        writer.setPageSize(QPageSize(QSizeF(width(), height()) * 72 / 96, QPageSize::Point));
        QCPPainter painter;
        painter.begin(&writer);
        painter.setMode(QCPPainter::pmVectorized);
        toPainter(&painter, width(), height());
        painter.end();
    } else {
        toPixmap(width(), height(), 2).save(&buffer, "PNG");
    }
    return bytes;
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
    }
}

void Plot::mouseMoveEvent(QMouseEvent* event) {
    if (dragging_) {
        Q_EMIT cursorDragged(xAxis->pixelToCoord(event->pos().x()));
        return;
    }
    setCursor(nearCursorLine(event->pos()) ? Qt::SizeHorCursor : Qt::ArrowCursor);
    QCustomPlot::mouseMoveEvent(event);
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
    xAxis->ticker()->setTickCount(qBound(kFewestTicks, width() / kTickRoom, kMostTicks));
}

void Plot::leaveEvent(QEvent* event) {
    QToolTip::hideText();
    QCustomPlot::leaveEvent(event);
}

void Plot::contextMenuEvent(QContextMenuEvent* event) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(icon(u"copy"_s), tr("Copy picture"), this, [this] {
        QGuiApplication::clipboard()->setPixmap(toPixmap(width(), height(), 2));
    });
    menu->addAction(tr("Copy values"), this,
                    [this] { QGuiApplication::clipboard()->setText(csv()); });
    menu->addSeparator();
    menu->addAction(icon(u"export"_s), tr("Export as PNG…"), this,
                    [this] { exportAs(u"png"_s, tr("PNG image (*.png)")); });
    menu->addAction(tr("Export as SVG…"), this,
                    [this] { exportAs(u"svg"_s, tr("SVG drawing (*.svg)")); });
    menu->addAction(tr("Export as PDF…"), this,
                    [this] { exportAs(u"pdf"_s, tr("PDF document (*.pdf)")); });
    menu->addAction(tr("Export as CSV…"), this,
                    [this] { exportAs(u"csv"_s, tr("Comma-separated values (*.csv)")); });
    menu->addSeparator();
    menu->addAction(icon(u"refresh"_s), tr("Show everything"), this, &Plot::showAll);
    menu->popup(event->globalPos());
}

void Plot::exportAs(const QString& suffix, const QString& filter) {
    saveFile(this, {tr("Export %1").arg(name_),
                    name_ + u'.' + suffix,
                    {filter},
                    [this](const QString& chosen) { return exported(chosen); }});
}

QString Plot::tipAt(const QPoint& position) const {
    double nearest = kTipReach;
    QString tip;
    for (const Curve& curve : curves_) {
        for (qsizetype at = 0; at < curve.x.size(); ++at) {
            const double dx = xAxis->coordToPixel(curve.x[at]) - position.x();
            const double dy = yAxis->coordToPixel(curve.y[at]) - position.y();
            const double distance = std::hypot(dx, dy);
            if (distance < nearest) {
                nearest = distance;
                tip = tr("%1\n%2: %3\n%4: %5")
                          .arg(curve.name, axes_.xTitle, figureText(curve.x[at], 4), axes_.yTitle,
                               figureText(curve.y[at], 5));
            }
        }
    }
    return tip;
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
        QPen pen(curve.color(), 1.6);
        pen.setStyle(curve.dashed ? Qt::DashLine : Qt::SolidLine);
        pen.setCapStyle(Qt::RoundCap);
        graph(index)->setPen(pen);
        graph(index)->setScatterStyle(
            curve.points ? QCPScatterStyle(QCPScatterStyle::ssDisc, curve.color(), 5)
                         : QCPScatterStyle(QCPScatterStyle::ssNone));
    }
    QColor line = theme.color(Token::Accent);
    cursor_->setPen(QPen(line, 1, Qt::DashLine));
    cursorText_->setColor(line);
    cursorText_->setFont(theme.numberFont(-1.5));
    replot(rpQueuedReplot);
}

} // namespace caldera::studio
