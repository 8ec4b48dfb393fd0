#include "widgets/inspect_view/depth_page.h"

#include <QHBoxLayout>
#include <QStackedWidget>

#include <algorithm>
#include <cmath>

#include "core/report/value_interval.h"
#include "widgets/inspect_view/inspect_curves.h"
#include "widgets/support/labels.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

DepthPage::DepthPage(QWidget* parent)
    : InspectPage(parent), cells_(new Plot(tr("Error over the depth"), this)),
      hidden_(new Plot(tr("Distance of hidden states"), this)),
      hiddenStack_(new QStackedWidget(this)),
      hiddenNote_(new ToneLabel(QString(), Token::Secondary, this)) {
    cells_->showLegend();
    hidden_->showLegend();
    linkPlots({cells_, hidden_});
    hiddenNote_->setWordWrap(true);
    hiddenNote_->setAlignment(Qt::AlignCenter);
    hiddenNote_->setMargin(kSpaceLarge);
    hiddenStack_->addWidget(hiddenNote_);
    hiddenStack_->addWidget(hidden_);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, kSpaceSmall, 0, 0);
    layout->setSpacing(kSpaceMedium);
    layout->addWidget(cells_, 3);
    layout->addWidget(hiddenStack_, 2);
    chooseByPoints();
}

void DepthPage::chooseByPoints() {
    const auto cellAt = [this](double x) {
        return Cell{static_cast<int>(std::lround(x)), focus_.cell.module};
    };
    connect(cells_, &Plot::pointClicked, this, [this](const CurvePoint& point) {
        const Curve& curve = cells_->curves()[point.curve];
        Q_EMIT cellChosen({static_cast<int>(curve.x[point.point]), curve.subject.value<Module>()});
    });
    for (Plot* plot : {cells_, hidden_}) {
        connect(plot, &Plot::hovered, this, [this, cellAt](std::optional<double> x) {
            Q_EMIT cellPointed(x ? std::optional(cellAt(*x)) : std::nullopt);
        });
    }
}

void DepthPage::look(const InspectFocus& focus) {
    focus_ = focus;
    for (Plot* plot : {cells_, hidden_}) {
        plot->setCursorLine(focus.cell.layer, tr("layer %1").arg(focus.cell.layer));
    }
}

bool DepthPage::hasDataOf(const InspectFocus& /*focus*/) const {
    return !cells_->curves().isEmpty() || !hidden_->curves().isEmpty();
}

void DepthPage::setMetric(const MetricLayer* metric) {
    cells_->setCurves(
        {tr("layer"),
         metric != nullptr ? tr("%1 (higher: more fragile)").arg(metric->title) : tr("error"),
         false, true},
        metric != nullptr ? depthCurves(*metric) : QList<Curve>());
}

void DepthPage::setEvaluations(const std::vector<EvaluationRecord>& evaluations) {
    const QList<Curve> curves = hiddenErrorCurves(evaluations);
    hidden_->setCurves({tr("layer"), tr("distance from the original"), false, true}, curves);
    const bool isKept =
        std::any_of(evaluations.begin(), evaluations.end(), [](const EvaluationRecord& record) {
            return record.facts.contains(kKeptPredictions);
        });
    hiddenNote_->setText(isKept ? tr("Not measured: the evaluation read what the original had "
                                     "predicted before, which says nothing of hidden states. An "
                                     "evaluation without “Keep what the original predicts” "
                                     "measures how far they drift, layer by layer.")
                                : tr("How far the hidden states drift from the original's, layer "
                                     "by layer, is measured by an evaluation beside the "
                                     "original."));
    hiddenStack_->setCurrentIndex(curves.isEmpty() ? 0 : 1);
}

} // namespace caldera::studio
