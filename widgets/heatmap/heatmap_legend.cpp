#include "widgets/heatmap/heatmap_legend.h"

#include <QPainter>

#include <cmath>

#include "widgets/heatmap/heatmap_delegate.h"
#include "widgets/models/cell_grid_model.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/color_ramp.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

namespace {
constexpr int kHeight = 44;
constexpr int kRampWidth = 240;
constexpr int kRampHeight = 8;
constexpr int kHistogramHeight = 16;
constexpr int kBins = 30;
} // namespace

HeatmapLegend::HeatmapLegend(const CellGridModel& model, QWidget* parent)
    : QWidget(parent), model_(model) {
    setFixedHeight(kHeight);
    setAccessibleName(tr("Legend of the heatmap"));
    connect(&model, &CellGridModel::dataChanged, this, qOverload<>(&QWidget::update));
    connect(&model, &CellGridModel::modelReset, this, qOverload<>(&QWidget::update));
    connect(&Theme::current(), &Theme::themeChanged, this, qOverload<>(&QWidget::update));
}

QSize HeatmapLegend::sizeHint() const {
    return {640, kHeight};
}

QSize HeatmapLegend::minimumSizeHint() const {
    return {kRampWidth, kHeight};
}

void HeatmapLegend::paintEvent(QPaintEvent*) {
    if (model_.layerCount() == 0) {
        return;
    }
    QPainter painter(this);
    const Theme& theme = Theme::current();
    const QFont words = theme.textFont(-1);
    const QFont figures = theme.numberFont(-1);
    const QFontMetrics wordMetrics(words);
    int x = 0;
    const int rampTop = kHistogramHeight + 2;
    if (const auto range = model_.range()) {
        const QString calm = tr("calm");
        const QString fragile = tr("fragile");
        painter.setFont(words);
        painter.setPen(theme.color(Token::Secondary));
        const auto word = [&](const QString& text) {
            const int width = wordMetrics.horizontalAdvance(text);
            painter.drawText(QRect(x, rampTop - 4, width + 2, kRampHeight + 8), Qt::AlignVCenter,
                             text);
            x += width + kSpaceSmall;
        };
        word(calm);
        const int left = x;
        const std::vector<double> counts = model_.histogram(kBins);
        for (int step = 0; step < kRampWidth; ++step) {
            painter.fillRect(QRect(left + step, rampTop, 1, kRampHeight),
                             theme.sequential((step + 0.5) / kRampWidth));
        }
        const int binWidth = kRampWidth / kBins;
        for (int bin = 0; bin < kBins; ++bin) {
            const double share = counts[static_cast<size_t>(bin)];
            if (share > 0) {
                const int height = qMax(1, static_cast<int>(std::lround(share * kHistogramHeight)));
                painter.fillRect(
                    QRect(left + bin * binWidth, kHistogramHeight - height, binWidth - 1, height),
                    theme.color(Token::Disabled));
            }
        }
        painter.setFont(figures);
        const QRect below(left, rampTop + kRampHeight + 1, kRampWidth,
                          kHeight - rampTop - kRampHeight - 1);
        painter.drawText(below, Qt::AlignLeft | Qt::AlignVCenter, figureText(range->first));
        painter.drawText(below, Qt::AlignRight | Qt::AlignVCenter, figureText(range->second));
        x += kRampWidth + kSpaceSmall;
        painter.setFont(words);
        word(fragile);
        x += kSpaceLarge;
    }
    if (model_.anyUnmeasured()) {
        const QRect swatch(x, rampTop - 3, 20, 14);
        paintHatch(painter, swatch, mix(theme.color(Token::Panel), theme.color(Token::Line), 0.4),
                   mix(theme.color(Token::Line), theme.color(Token::Disabled), 0.5), false);
        painter.setFont(words);
        painter.setPen(theme.color(Token::Secondary));
        painter.drawText(QRect(swatch.right() + kSpaceSmall, rampTop - 6, width(), 20),
                         Qt::AlignVCenter, tr("not measured"));
    }
}

} // namespace caldera::studio
