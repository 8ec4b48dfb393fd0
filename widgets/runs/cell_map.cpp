#include "widgets/runs/cell_map.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include <QHelpEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>

#include "core/model/module.h"
#include "widgets/heatmap/heatmap_delegate.h"
#include "widgets/jobs/surprise.h"
#include "widgets/models/session.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/color_ramp.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

namespace {

constexpr int kRows = 7;
constexpr int kMapHeight = 7 * 10;
constexpr int kWidestCell = 48;
constexpr qsizetype kSpeedPoints = 160;

int rowOf(const QString& module) {
    const std::optional<Module> known = parseModule(module.toStdString());
    return known ? static_cast<int>(*known) : -1;
}

} // namespace

CellMap::CellMap(QWidget* parent) : QWidget(parent) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setAccessibleName(tr("Finished cells"));
    connect(&Theme::current(), &Theme::themeChanged, this, qOverload<>(&QWidget::update));
}

void CellMap::setCells(const QList<JobCell>& cells, const QString& metric, int layers) {
    cells_ = cells;
    metric_ = metric;
    layers_ = layers;
    std::vector<double> values;
    for (const JobCell& cell : cells) {
        layers_ = std::max(layers_, cell.layer + 1);
        values.push_back(cell.relativeError);
    }
    scale_ = ColorScale(Session::scaleOf(metric), std::move(values));
    update();
}

QSize CellMap::sizeHint() const {
    return {200, kMapHeight};
}

QSize CellMap::minimumSizeHint() const {
    return {80, kMapHeight};
}

QRectF CellMap::cellArea(int layer, int row) const {
    const double width =
        std::min<double>(kWidestCell, static_cast<double>(this->width()) / std::max(1, layers_));
    const double height = static_cast<double>(this->height()) / kRows;
    return {layer * width, row * height, width, height};
}

void CellMap::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const Theme& theme = Theme::current();
    const QColor empty = mix(theme.color(Token::Panel), theme.color(Token::Line), 0.6);
    for (int layer = 0; layer < layers_; ++layer) {
        for (int row = 0; row < kRows; ++row)
            painter.fillRect(cellArea(layer, row).adjusted(0.5, 0.5, -0.5, -0.5), empty);
    }
    for (const JobCell& cell : cells_) {
        const int row = rowOf(cell.module);
        if (row < 0 || !std::isfinite(cell.relativeError))
            continue;
        const QRectF area = cellArea(cell.layer, row).adjusted(0.5, 0.5, -0.5, -0.5);
        const QColor fill = theme.sequential(scale_.position(cell.relativeError));
        painter.fillRect(area, fill);
        if (const Surprise surprise = surpriseOf(cell); surprise != Surprise::AsExpected)
            paintSurprise(painter, area.center(), std::min(area.width(), area.height()) - 2,
                          surprise == Surprise::Worse ? 1 : -1, inkOn(fill));
    }
}

const JobCell* CellMap::cellAt(const QPoint& position) const {
    const QRectF first = cellArea(0, 0);
    const int layer = static_cast<int>(position.x() / first.width());
    const int row = static_cast<int>(position.y() / first.height());
    const auto found = std::find_if(cells_.begin(), cells_.end(), [=](const JobCell& cell) {
        return cell.layer == layer && rowOf(cell.module) == row;
    });
    return found == cells_.end() ? nullptr : &*found;
}

QString CellMap::textOf(const JobCell& cell) const {
    const QString place = tr("Layer %1, %2").arg(cell.layer).arg(cell.module) + u'\n';
    if (!metric_.isEmpty()) {
        return place + tr("%1: %2").arg(Session::titleOf(metric_), figureText(cell.relativeError));
    }
    const QString text = place + tr("Relative error %1, %2 bits a weight, %3 s")
                                     .arg(figureText(cell.relativeError),
                                          figureText(cell.bitsPerWeight), figureText(cell.seconds));
    const QString surprise = surpriseText(cell);
    return surprise.isEmpty() ? text : text + u'\n' + surprise;
}

bool CellMap::event(QEvent* event) {
    if (event->type() != QEvent::ToolTip)
        return QWidget::event(event);
    const auto* help = static_cast<QHelpEvent*>(event);
    const JobCell* cell = cellAt(help->pos());
    if (!cell) {
        QToolTip::hideText();
        return true;
    }
    QToolTip::showText(help->globalPos(), textOf(*cell), this);
    return true;
}

SpeedLine::SpeedLine(QWidget* parent) : QWidget(parent) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setAccessibleName(tr("Cells a minute over time"));
    connect(&Theme::current(), &Theme::themeChanged, this, qOverload<>(&QWidget::update));
}

void SpeedLine::setCells(const QList<JobCell>& cells) {
    speeds_.clear();
    // Matrices differ in size: neighbours of one layer are averaged.
    double seconds = 0;
    int count = 0;
    for (const JobCell& cell : cells) {
        if (cell.reused || cell.seconds <= 0)
            continue;
        seconds += cell.seconds;
        if (++count == kRows) {
            speeds_.append(60.0 * count / seconds);
            seconds = 0;
            count = 0;
        }
    }
    if (speeds_.size() > kSpeedPoints)
        speeds_.remove(0, speeds_.size() - kSpeedPoints);
    setVisible(speeds_.size() > 1);
    update();
}

QSize SpeedLine::sizeHint() const {
    return {160, 32};
}

void SpeedLine::paintEvent(QPaintEvent*) {
    if (speeds_.size() < 2)
        return;
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Theme& theme = Theme::current();
    const double highest = *std::max_element(speeds_.cbegin(), speeds_.cend());
    const double step = static_cast<double>(width() - 2) / static_cast<double>(speeds_.size() - 1);
    QPainterPath line;
    for (qsizetype i = 0; i < speeds_.size(); ++i) {
        const QPointF point(1 + static_cast<double>(i) * step,
                            height() - 2 - (height() - 4) * speeds_[i] / highest);
        i == 0 ? line.moveTo(point) : line.lineTo(point);
    }
    QPainterPath area = line;
    area.lineTo(width() - 1, height() - 1);
    area.lineTo(1, height() - 1);
    QColor fill = theme.color(Token::Accent);
    fill.setAlphaF(0.12F);
    painter.fillPath(area, fill);
    painter.setPen(QPen(theme.color(Token::Accent), 1.5));
    painter.drawPath(line);
}

} // namespace caldera::studio
