#include "widgets/heatmap/heatmap_legend.h"

#include <QPainter>

#include <algorithm>
#include <cmath>

#include "widgets/heatmap/heatmap_delegate.h"
#include "widgets/models/cell_grid_model.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/color_ramp.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kHeight = 44;
constexpr int kWidestBin = 10;
constexpr int kNarrowestBin = 4;
constexpr int kRampHeight = 8;
constexpr int kHistogramHeight = 16;
constexpr int kRampTop = kHistogramHeight + 2;
constexpr int kTickLength = 3;
constexpr int kTickFigures = 2; ///< of a power of ten one is enough
constexpr int kBins = 30;
constexpr int kSwatchWidth = 20;
constexpr int kRemarkTop = kRampTop + kRampHeight + 2;
constexpr int kMark = 8;
constexpr int kMarksWidth = 3 * kMark; ///< of both triangles
} // namespace

/// Which way is bad stands on the chart itself: every metric rises with fragility.
QString HeatmapLegend::calmWord() const {
    return model_.scale().isDiverging() ? tr("better") : tr("lower: calm");
}

QString HeatmapLegend::fragileWord() const {
    return model_.scale().isDiverging() ? tr("worse") : tr("higher: more fragile");
}

HeatmapLegend::HeatmapLegend(const CellGridModel& model, QWidget* parent)
    : QWidget(parent), model_(model) {
    setFixedHeight(kHeight);
    setAccessibleName(tr("Legend of the heatmap"));
    connect(&model, &CellGridModel::dataChanged, this, &HeatmapLegend::refresh);
    connect(&model, &CellGridModel::modelReset, this, &HeatmapLegend::refresh);
    connect(&Theme::current(), &Theme::themeChanged, this, qOverload<>(&QWidget::update));
}

QSize HeatmapLegend::sizeHint() const {
    return {640, kHeight};
}

QSize HeatmapLegend::minimumSizeHint() const {
    return {kNarrowestBin * kBins, kHeight};
}

int HeatmapLegend::widthBesideRamp() const {
    const QFontMetrics metrics(Theme::current().textFont(-1));
    int beside = metrics.horizontalAdvance(calmWord()) + kSpaceSmall + kSpaceSmall +
                 metrics.horizontalAdvance(fragileWord()) + 2;
    if (model_.anyUnmeasured()) {
        beside += kSpaceSmall + kSpaceMedium + kSwatchWidth + kSpaceSmall +
                  metrics.horizontalAdvance(tr("not measured"));
    }
    if (model_.anySurprise()) {
        beside += kSpaceSmall + kSpaceMedium + kMarksWidth +
                  metrics.horizontalAdvance(surpriseWord()) + 2;
    }
    return beside;
}

int HeatmapLegend::rampWidth() const {
    return std::clamp((width() - widthBesideRamp()) / kBins, kNarrowestBin, kWidestBin) * kBins;
}

int HeatmapLegend::usedWidth() const {
    return widthBesideRamp() + rampWidth();
}

QString HeatmapLegend::surpriseWord() {
    return tr("unexpected");
}

QStringList HeatmapLegend::remarks() const {
    if (const int cells = model_.countOfReplanned()) {
        return {tr("as measured; the plan has %n cell(s) otherwise now", nullptr, cells),
                tr("plan differs: %1").arg(cells)};
    }
    if (const int cells = model_.countOf(ValueStanding::Elsewhere)) {
        const QString kind = model_.kindOfAll(ValueStanding::Elsewhere);
        const QString others = tr("%n cell(s) have other settings", nullptr, cells);
        return {tr("colours %1; %2").arg(kind.isEmpty() ? tr("as measured before") : kind, others),
                tr("%n cell(s) measured at other settings", nullptr, cells),
                tr("other settings: %1").arg(cells)};
    }
    if (const int cells = model_.countOf(ValueStanding::WorkedOut)) {
        return {tr("%n cell(s) interpolated from measured settings", nullptr, cells),
                tr("interpolated: %1").arg(cells)};
    }
    return {};
}

QString HeatmapLegend::remark() const {
    const QFontMetrics metrics(Theme::current().textFont(-1));
    const int room = width() - remarkLeft();
    const QStringList sentences = remarks();
    const auto fits = [&](const QString& text) { return metrics.horizontalAdvance(text) <= room; };
    const auto found = std::find_if(sentences.begin(), sentences.end(), fits);
    return found != sentences.end() ? *found : sentences.value(sentences.size() - 1);
}

int HeatmapLegend::remarkEnd() const {
    return remarkLeft() + QFontMetrics(Theme::current().textFont(-1)).horizontalAdvance(remark());
}

/// Under the word at the end of the ramp.
int HeatmapLegend::remarkLeft() const {
    const QFontMetrics metrics(Theme::current().textFont(-1));
    return metrics.horizontalAdvance(calmWord()) + 2 * kSpaceSmall + rampWidth();
}

/// What has no room as a word.
QString HeatmapLegend::explanation() const {
    QStringList lines;
    if (model_.anySurprise()) {
        lines += tr("A triangle marks a cell that did not end as it was measured before: it "
                    "points up where the error is larger, down where it is smaller");
    }
    if (model_.countOfReplanned() > 0) {
        lines += tr("Settings and colours are those that were measured, not those that the plan "
                    "has now. The tooltip of a cell has both.");
    } else if (model_.countOf(ValueStanding::Elsewhere) > 0) {
        lines += tr("These colours do not follow the plan: a cell keeps the one of the settings "
                    "it was measured at, which its tooltip names. Measure measures them at the "
                    "plan's; the error of the settings follows the plan by itself.");
    } else if (model_.countOf(ValueStanding::WorkedOut) > 0) {
        lines += tr("These colours follow the plan. Where its settings were not measured, the "
                    "error is worked out from those that were; the tooltip of a cell says how.");
    }
    return lines.join(u"\n\n"_s);
}

void HeatmapLegend::refresh() {
    setToolTip(explanation());
    setAccessibleDescription(remarks().value(0));
    update();
}

void HeatmapLegend::paintEvent(QPaintEvent*) {
    if (model_.layerCount() == 0) {
        return;
    }
    QPainter painter(this);
    int x = 0;
    if (!model_.scale().empty()) {
        x = paintWord(painter, x, calmWord());
        const QRect ramp(x, kRampTop, rampWidth(), kRampHeight);
        paintHistogram(painter, ramp);
        paintRamp(painter, ramp, model_.scale().isDiverging());
        paintTicks(painter, ramp);
        x = paintWord(painter, ramp.x() + ramp.width() + kSpaceSmall, fragileWord()) + kSpaceMedium;
        paintRemark(painter);
    }
    if (model_.anyUnmeasured()) {
        const Theme& theme = Theme::current();
        const QRect swatch(x, kRampTop - 3, kSwatchWidth, 14);
        paintHatch(painter, swatch, mix(theme.color(Token::Panel), theme.color(Token::Line), 0.4),
                   mix(theme.color(Token::Line), theme.color(Token::Disabled), 0.5), false);
        x = paintWord(painter, swatch.right() + kSpaceSmall, tr("not measured")) + kSpaceMedium;
    }
    if (model_.anySurprise()) {
        const QColor ink = Theme::current().color(Token::Text);
        const double middle = kRampTop + kRampHeight / 2.0;
        paintSurprise(painter, QPointF(x + kMark / 2.0, middle), kMark, 1, ink);
        paintSurprise(painter, QPointF(x + 2.0 * kMark, middle), kMark, -1, ink);
        paintWord(painter, x + kMarksWidth, surpriseWord());
    }
}

int HeatmapLegend::paintWord(QPainter& painter, int left, const QString& word) {
    const Theme& theme = Theme::current();
    painter.setFont(theme.textFont(-1));
    painter.setPen(theme.color(Token::Secondary));
    const int width = painter.fontMetrics().horizontalAdvance(word);
    painter.drawText(QRect(left, kRampTop - 6, width + 2, kRampHeight + 12), Qt::AlignVCenter,
                     word);
    return left + width + kSpaceSmall;
}

void HeatmapLegend::paintRemark(QPainter& painter) const {
    painter.setPen(Theme::current().color(Token::Text));
    painter.drawText(QRect(remarkLeft(), kRemarkTop, width() - remarkLeft(), kHeight - kRemarkTop),
                     Qt::AlignLeft | Qt::AlignVCenter, remark());
}

void HeatmapLegend::paintHistogram(QPainter& painter, QRect ramp) const {
    const std::vector<double> counts = model_.histogram(kBins);
    const int binWidth = ramp.width() / kBins;
    for (int bin = 0; bin < kBins; ++bin) {
        const double share = counts[static_cast<size_t>(bin)];
        if (share > 0) {
            const int height = qMax(1, static_cast<int>(std::lround(share * kHistogramHeight)));
            painter.fillRect(
                QRect(ramp.x() + bin * binWidth, kHistogramHeight - height, binWidth - 1, height),
                Theme::current().color(Token::Disabled));
        }
    }
}

void HeatmapLegend::paintRamp(QPainter& painter, QRect ramp, bool diverging) {
    for (int step = 0; step < ramp.width(); ++step) {
        painter.fillRect(QRect(ramp.x() + step, ramp.y(), 1, ramp.height()),
                         scaleColor((step + 0.5) / ramp.width(), diverging));
    }
}

/// A mark at every tick, and its number where that leaves the ones at the ends room.
void HeatmapLegend::paintTicks(QPainter& painter, QRect ramp) const {
    const int left = ramp.x();
    const ColorScale& scale = model_.scale();
    const std::vector<double> ticks = scale.ticks();
    painter.setFont(Theme::current().numberFont(-1));
    painter.setPen(Theme::current().color(Token::Secondary));
    const QFontMetrics metrics = painter.fontMetrics();
    const int line = ramp.y() + ramp.height();
    int taken = left; // up to here numbers stand already
    int end = left + ramp.width();
    const auto place = [&](double value) {
        return left + static_cast<int>(std::lround(scale.position(value) * (ramp.width() - 1)));
    };
    const auto write = [&](const QString& text, int at) {
        painter.drawText(QRect(at, line + kTickLength, metrics.horizontalAdvance(text) + 2,
                               kHeight - line - kTickLength),
                         Qt::AlignLeft | Qt::AlignVCenter, text);
    };
    const bool cut = scale.smallest() < scale.low();
    const int figures = scale.kind() == ColorScale::Kind::Logarithmic ? 1 : kTickFigures;
    const QString first = (cut ? u"\u2264"_s : QString()) + figureText(ticks.front());
    write(first, left);
    taken += metrics.horizontalAdvance(first) + kSpaceSmall;
    if (ticks.size() > 1) {
        const QString last = figureText(ticks.back());
        end -= metrics.horizontalAdvance(last) + kSpaceSmall;
        write(last, end + kSpaceSmall);
    }
    for (const double value : ticks) {
        painter.fillRect(QRect(place(value), line, 1, kTickLength),
                         Theme::current().color(Token::Secondary));
        const QString text = figureText(value, figures);
        const int width = metrics.horizontalAdvance(text);
        const int at = place(value) - width / 2;
        if (at >= taken && at + width <= end) {
            write(text, at);
            taken = at + width + kSpaceSmall;
        }
    }
}

} // namespace caldera::studio
