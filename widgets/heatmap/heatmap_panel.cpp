#include "widgets/heatmap/heatmap_panel.h"

#include <QComboBox>
#include <QSignalBlocker>
#include <QVBoxLayout>

#include "widgets/heatmap/heatmap_legend.h"
#include "widgets/heatmap/heatmap_view.h"
#include "widgets/models/session.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kLegendIndent = 88;
}

HeatmapPanel::HeatmapPanel(Session& session, Source source, QWidget* parent)
    : QWidget(parent), session_(session), source_(source), view_(new HeatmapView(grid_, this)),
      legend_(new HeatmapLegend(grid_, this)), metrics_(new QComboBox(this)) {
    metrics_->setAccessibleName(tr("Metric that colours the heatmap"));
    metrics_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    auto* legendLine = new QHBoxLayout;
    legendLine->addSpacing(kLegendIndent);
    legendLine->addWidget(legend_, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(view_, 1);
    layout->addLayout(legendLine);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);

    connect(metrics_, &QComboBox::activated, this, [this] {
        chosen_ = true;
        rebuild();
    });
    connect(&session_, &Session::opened, this, [this] { chosen_ = false; });
    connect(&session_, &Session::metricsChanged, this, &HeatmapPanel::takeMetrics);
    connect(&session_.plan(), &PlanDocument::changed, this, &HeatmapPanel::rebuild);
    connect(&session_, &Session::liveCell, this, [this](const Cell& cell, double error) {
        if (metricId() == u"live") {
            grid_.setValue(cell, error);
        }
    });
    takeMetrics();
}

QString HeatmapPanel::metricId() const {
    return metrics_->currentData().toString();
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
                                  ? QStringList{u"live"_s, u"proxy"_s, u"error"_s}
                                  : QStringList{u"error"_s, u"live"_s, u"proxy"_s};
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
    metrics_->setVisible(metrics_->count() > 0);
    rebuild();
}

GridCell HeatmapPanel::cellOf(Cell cell) const {
    GridCell shown;
    const CellReport* report = source_ == Source::Measured ? session_.cellReport(cell) : nullptr;
    const bool known = session_.facts() != nullptr;
    if (report == nullptr && !known) {
        return shown;
    }
    const CellSettings settings =
        report != nullptr ? report->settings : session_.plan().settingsOf(cell);
    shown.bits = settings.skip ? 16 : settings.bits;
    shown.rank = settings.skip ? 0 : settings.rank;
    shown.locked = settings.locked && source_ == Source::Planned;
    shown.skipped = settings.skip;
    return shown;
}

std::vector<GridCell> HeatmapPanel::cells(int layers) const {
    std::vector<GridCell> result;
    result.reserve(static_cast<size_t>(layers) * kModules.size());
    const MetricLayer* metric = session_.metric(metricId());
    for (const Module module : kModules) {
        for (int layer = 0; layer < layers; ++layer) {
            const Cell cell{layer, module};
            result.push_back(cellOf(cell));
            if (metric != nullptr) {
                if (const auto found = metric->values.find(cell); found != metric->values.end()) {
                    result.back().value = found->second;
                }
            }
        }
    }
    return result;
}

void HeatmapPanel::rebuild() {
    int layers = session_.facts() ? session_.facts()->config.layerCount : 0;
    if (layers == 0 && session_.report()) {
        layers = session_.report()->layerCount;
    }
    if (const MetricLayer* metric = session_.metric(metricId())) {
        grid_.setMetric(metric->title, metric->kind);
    } else {
        grid_.setMetric({}, {});
    }
    grid_.setCells(layers, cells(layers));
    legend_->update();
    Q_EMIT metricShown();
}

} // namespace caldera::studio
