#include "widgets/heatmap/heatmap_panel.h"

#include <QComboBox>
#include <QLocale>
#include <QSettings>
#include <QSignalBlocker>
#include <QVBoxLayout>

#include "core/report/rank_correlation.h"
#include "widgets/heatmap/heatmap_legend.h"
#include "widgets/heatmap/heatmap_view.h"
#include "widgets/models/difference_model.h"
#include "widgets/models/planned_value.h"
#include "widgets/models/session.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/support/parts_label.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kNarrowestChoice = 112; ///< of the metric, before captions beside it are cut

/// Where the scale of a metric is remembered.
QString scaleKey(const QString& metric) {
    return u"heatmap/scale/"_s + metric;
}

/// What fewer bits of a table cost, where that was measured.
QString tableCosts(const std::shared_ptr<const Report>& fidelity, const char* table) {
    QStringList costs;
    if (fidelity) {
        for (const FidelityMetric& metric : fidelity->fidelity) {
            for (const TableCost& cost : metric.tables) {
                if (cost.table == table) {
                    costs += HeatmapPanel::tr("%1 at %2 bits: %3 (measured)")
                                 .arg(Session::titleOf(QString::fromStdString(metric.name)),
                                      QString::number(cost.bits), figureText(cost.value));
                }
            }
        }
    }
    return costs.isEmpty() ? HeatmapPanel::tr("What fewer bits cost is not measured.")
                           : costs.join(u'\n');
}

/// Whether both metrics tell of the same plan.
bool haveSameSettings(const Session& session, const QString& first, const QString& second) {
    const FidelityMetric* a = session.measuredMetric(first);
    const FidelityMetric* b = session.measuredMetric(second);
    return a == nullptr || b == nullptr || differentSettings(*a, *b) == 0;
}

/// Whether other metrics put the cells in the same order as the one that is shown; the lens, which
/// is no ranking to trust, comes last.
QStringList agreements(const MetricLayer& shown, const Session& session) {
    QStringList lines;
    QStringList last;
    for (const MetricLayer& other : session.metrics()) {
        const auto found = correlationOf(shown.values, other.values);
        if (other.id == shown.id || !found) {
            continue;
        }
        const QString line = HeatmapPanel::tr("%1 %2").arg(
            other.title, QLocale::c().toString(found->correlation, 'f', 2));
        (other.id == u"lens" ? last : lines)
            .append(haveSameSettings(session, shown.id, other.id)
                        ? line
                        : HeatmapPanel::tr("%1 (at other settings)").arg(line));
    }
    return lines + last;
}

/// Errors of a plan keep the colours that the measured ones have, so that a cell that is given bits
/// turns calm and no other cell changes.
std::vector<double> rangeOf(const MetricLayer& metric) {
    std::vector<double> values;
    if (metric.id == u"proxy") {
        for (const auto& [cell, value] : metric.values) {
            values.push_back(value);
        }
    }
    return values;
}

} // namespace

HeatmapPanel::HeatmapPanel(Session& session, Source source, QWidget* parent)
    : QWidget(parent), session_(session), source_(source), view_(new HeatmapView(grid_, this)),
      legend_(new HeatmapLegend(grid_, this)), choice_(new QWidget(this)),
      metrics_(new QComboBox(choice_)), agreement_(new PartsLabel(this)), scale_(new QWidget(this)),
      scales_(new QComboBox(scale_)) {
    agreement_->setFont(Theme::current().textFont(-1));
    legendLine_ = new QHBoxLayout;
    legendLine_->addWidget(legend_, 1);
    makeMetrics();
    makeScales();
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(view_, 1);
    layout->addLayout(legendLine_);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);

    connect(&session_, &Session::opened, this, [this] { chosen_ = false; });
    connect(&session_, &Session::metricsChanged, this, &HeatmapPanel::takeMetrics);
    connect(&session_.plan(), &PlanDocument::changed, this, &HeatmapPanel::followPlan);
    connect(&session_, &Session::liveCell, this, &HeatmapPanel::showLiveCell);
    takeMetrics();
}

void HeatmapPanel::makeMetrics() {
    metrics_->setAccessibleName(tr("Metric that colours the heatmap"));
    metrics_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    metrics_->setMinimumWidth(kNarrowestChoice);
    auto* caption = new ToneLabel(tr("Colour"), Token::Secondary, choice_);
    caption->setBuddy(metrics_);
    auto* line = new QHBoxLayout(choice_);
    line->setContentsMargins(0, 0, 0, 0);
    line->setSpacing(kSpaceSmall);
    line->addWidget(caption);
    line->addWidget(metrics_);
    connect(metrics_, &QComboBox::activated, this, [this] {
        chosen_ = true;
        showChosenMetric();
    });
}

void HeatmapPanel::showLiveCell(const Cell& cell, double error) {
    if (metricId() == u"live") {
        const auto& surprises = session_.metric(u"live"_s)->surprises;
        const auto found = surprises.find(cell);
        grid_.setValue(cell, error,
                       found == surprises.end() ? std::nullopt : std::optional(found->second));
    }
}

void HeatmapPanel::makeScales() {
    scales_->setAccessibleName(tr("Scale of the colours"));
    scales_->setToolTip(tr("How values become colours: by their difference, by their ratio (for "
                           "values that run over decades), or by their rank (as many cells of "
                           "every colour). It is remembered for each metric."));
    scales_->addItem(tr("Linear"), static_cast<int>(ColorScale::Kind::Linear));
    scales_->addItem(tr("Logarithmic"), static_cast<int>(ColorScale::Kind::Logarithmic));
    scales_->addItem(tr("By rank"), static_cast<int>(ColorScale::Kind::Rank));
    auto* caption = new ToneLabel(tr("Scale"), Token::Secondary, scale_);
    caption->setBuddy(scales_);
    auto* line = new QHBoxLayout(scale_);
    line->setContentsMargins(0, 0, 0, 0);
    line->setSpacing(kSpaceSmall);
    line->addWidget(caption);
    line->addWidget(scales_);
    legendLine_->addWidget(scale_);
    connect(scales_, &QComboBox::activated, this, [this] {
        QSettings().setValue(scaleKey(metricId()), scales_->currentData());
        showScale();
    });
}

/// The one that somebody chose for this metric, else the one that suits it.
void HeatmapPanel::showScale() {
    const MetricLayer* metric = session_.metric(metricId());
    if (metric == nullptr) {
        return;
    }
    const bool isRatio = metric->scale == ColorScale::Kind::Ratio; // which nothing else suits
    scale_->setVisible(!isRatio);
    if (isRatio) {
        grid_.setScale(metric->scale);
        return;
    }
    const QVariant chosen =
        QSettings().value(scaleKey(metric->id), static_cast<int>(metric->scale));
    const int found = scales_->findData(chosen.toInt());
    scales_->setCurrentIndex(found >= 0 ? found : 0);
    grid_.setScale(static_cast<ColorScale::Kind>(scales_->currentData().toInt()));
}

QString HeatmapPanel::metricId() const {
    return metrics_->currentData().toString();
}

void HeatmapPanel::showMetric(const QString& id) {
    if (const int at = metrics_->findData(id); at >= 0) {
        metrics_->setCurrentIndex(at);
        chosen_ = true;
        showChosenMetric();
    }
}

std::optional<Cell> HeatmapPanel::mostFragile() const {
    std::optional<Cell> worst;
    double largest = 0;
    for (int layer = 0; layer < grid_.layerCount(); ++layer) {
        for (const Module module : kModules) {
            const GridCell& cell = grid_.cellAt({layer, module});
            if (cell.value && (!worst || *cell.value > largest)) {
                worst = Cell{layer, module};
                largest = *cell.value;
            }
        }
    }
    return worst;
}

QString HeatmapPanel::preferredMetric() const {
    const QStringList order = source_ == Source::Planned
                                  ? QStringList{u"live"_s, u"kl"_s, u"proxy"_s, u"error"_s}
                                  : QStringList{u"error"_s, u"live"_s, u"kl"_s, u"proxy"_s};
    for (const QString& id : order) {
        if (session_.metric(id) != nullptr) {
            return id;
        }
    }
    return session_.metrics().isEmpty() ? QString() : session_.metrics().first().id;
}

void HeatmapPanel::takeMetrics() {
    const QString before = metricId();
    const QSignalBlocker blocker(metrics_);
    metrics_->clear();
    for (const MetricLayer& metric : session_.metrics()) {
        metrics_->addItem(metric.title, metric.id);
    }
    const bool keep = chosen_ && session_.metric(before) != nullptr && before != u"live";
    metrics_->setCurrentIndex(metrics_->findData(keep ? before : preferredMetric()));
    metrics_->setEnabled(metrics_->count() > 1);
    for (QWidget* choice : {choice_, scale_}) {
        choice->setVisible(metrics_->count() > 0);
    }
    showChosenMetric();
}

/// What does not follow the plan is worked out here, once.
void HeatmapPanel::showChosenMetric() {
    showScale();
    if (const MetricLayer* metric = session_.metric(metricId())) {
        grid_.setMetric(metric->title, metric->kind, metric->unit, rangeOf(*metric));
        showAgreement(*metric);
    } else {
        grid_.setMetric({}, {});
        agreement_->setParts({}, {});
    }
    rebuild();
}

/// Those of the plan, or of what was measured; null: nobody knows them.
const CellSettings* HeatmapPanel::settingsOf(Cell cell) const {
    const CellReport* report = source_ == Source::Measured ? session_.cellReport(cell) : nullptr;
    return report != nullptr  ? &report->settings
           : session_.facts() ? &session_.plan().settingsOf(cell)
                              : nullptr;
}

GridCell HeatmapPanel::cellOf(Cell cell) const {
    GridCell shown;
    const CellSettings* known = settingsOf(cell);
    if (known == nullptr) {
        return shown;
    }
    const CellSettings& settings = *known;
    shown.bits = settings.skip ? 16 : settings.bits;
    shown.rank = settings.skip ? 0 : settings.rank;
    shown.locked = settings.locked && source_ == Source::Planned;
    shown.skipped = settings.skip;
    shown.codec = settings.codec;
    shown.otherCodec = source_ == Source::Planned && !settings.skip &&
                       settings.codec != session_.plan().plan().defaults.codec;
    shown.other = otherOf(cell, settings);
    if (session_.facts() && !sameCodes(session_.plan().settingsOf(cell), settings)) {
        shown.planned = codesText(session_.plan().settingsOf(cell), settings.codec);
    }
    return shown;
}

std::vector<GridCell> HeatmapPanel::cells(int layers) const {
    std::vector<GridCell> result;
    result.reserve(static_cast<size_t>(layers) * kModules.size());
    const MetricLayer* metric = session_.metric(metricId());
    MetricValues values(session_, metricId());
    for (const Module module : kModules) {
        for (int layer = 0; layer < layers; ++layer) {
            const Cell cell{layer, module};
            result.push_back(cellOf(cell));
            if (metric != nullptr) {
                addValue(result.back(), *metric, values, cell);
                if (const auto found = metric->surprises.find(cell);
                    found != metric->surprises.end()) {
                    result.back().surprise = found->second;
                }
            }
        }
    }
    return result;
}

void HeatmapPanel::addValue(GridCell& shown, const MetricLayer& metric, MetricValues& values,
                            Cell cell) const {
    if (const CellSettings* settings = settingsOf(cell)) {
        if (const auto value = source_ == Source::Planned ? values.planned(cell, *settings)
                                                          : values.measured(cell, *settings)) {
            shown.value = value->value;
            shown.kind = value->kind;
            shown.standing = value->standing;
        }
    } else if (const auto found = metric.values.find(cell); found != metric.values.end()) {
        shown.value = found->second;
    }
}

void HeatmapPanel::setOther(const PlanCells* other) {
    other_ = other;
    rebuild();
}

std::optional<GridCell::Other> HeatmapPanel::otherOf(Cell cell, const CellSettings& here) const {
    const CellSettings* there = other_ == nullptr ? nullptr : &other_->settingsOf(cell);
    if (there == nullptr || sameCodes(*there, here)) {
        return std::nullopt;
    }
    const int64_t more = other_->bytesOf(cell) - session_.plan().cells().bytesOf(cell);
    return GridCell::Other{codesText(*there, here.codec), more > 0 ? 1 : more < 0 ? -1 : 0};
}

/// What was measured needs no plan, unless it is looked at.
void HeatmapPanel::followPlan() {
    if (source_ == Source::Planned || isVisible()) {
        rebuild();
    } else {
        stale_ = true;
    }
}

void HeatmapPanel::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    showScale(); // another heatmap may have changed it
    if (stale_) {
        rebuild();
    }
}

void HeatmapPanel::rebuild() {
    stale_ = false;
    int layers = session_.facts() ? session_.facts()->config.layerCount : 0;
    if (layers == 0 && session_.report()) {
        layers = session_.report()->layerCount;
    }
    grid_.setCells(layers, cells(layers));
    showWideCells();
    legend_->update();
    Q_EMIT metricShown();
}

void HeatmapPanel::showAgreement(const MetricLayer& shown) {
    const QStringList lines = agreements(shown, session_);
    agreement_->setParts(tr("Rank correlation:"), lines);
    metrics_->setToolTip(
        lines.isEmpty()
            ? QString()
            : tr("Rank correlation of %1 (1: the same order of cells, 0: none)").arg(shown.title) +
                  u'\n' + lines.join(u'\n'));
}

void HeatmapPanel::showWideCells() {
    const OpenFacts* facts = session_.facts().get();
    const bool planned = source_ == Source::Planned;
    if (facts == nullptr || (!planned && facts->kind != OpenKind::Artifact)) {
        grid_.setWideCells({}); // a measured model keeps its own, and a report alone tells nothing
        return;
    }
    const Plan& plan = planned ? session_.plan().plan() : facts->plan;
    const QString shape =
        tr("%1 × %2").arg(countText(facts->config.vocabSize), countText(facts->config.hiddenSize));
    const auto cell = [&](const QString& name, int bits, const char* table) {
        const QString text = tr("%1: %2 bits").arg(name).arg(bits);
        return WideCell{text,
                        text + u'\n' + shape + u'\n' + tableCosts(session_.fidelity(), table)};
    };
    if (facts->config.tiedEmbeddings) {
        grid_.setWideCells({cell(tr("embeddings and head"), plan.embeddingBits, kEmbeddingTable)});
        return;
    }
    const WideCell embeddings = cell(tr("embeddings"), plan.embeddingBits, kEmbeddingTable);
    const WideCell head = cell(tr("head"), plan.headBits, kHeadTable);
    if (facts->config.layerCount > 1) {
        grid_.setWideCells({embeddings, head});
    } else { // one column holds one cell
        grid_.setWideCells(
            {{embeddings.text + u", "_s + head.text, embeddings.toolTip + u'\n' + head.toolTip}});
    }
}

void HeatmapPanel::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    legendLine_->setContentsMargins(view_->cellsLeft(), 0, 0, 0);
}

} // namespace caldera::studio
