#include "widgets/inspect_view/inspect_view.h"

#include <QComboBox>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QStackedWidget>
#include <QTabWidget>
#include <QTableView>
#include <QVBoxLayout>

#include "widgets/heatmap/heatmap_view.h"
#include "widgets/inspect_view/report_tables.h"
#include "widgets/models/session.h"
#include "widgets/plan_view/module_table.h"
#include "widgets/support/empty_state.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/support/plot.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kNameWidth = 260;
}

InspectView::InspectView(Session& session, QWidget* parent)
    : QWidget(parent), session_(session), banner_(new ErrorBanner(this)),
      stack_(new QStackedWidget(this)),
      empty_(new EmptyState(u"inspect"_s, tr("Nothing measured yet"),
                            tr("Open a compressed model or a report to see the error of every "
                               "cell, or compress the model that is open."),
                            this)) {
    empty_->setActionText(tr("Open a report…"));
    connect(empty_, &EmptyState::triggered, this, &InspectView::openReportRequested);
    stack_->addWidget(empty_);
    stack_->addWidget(makeBody());
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(banner_);
    layout->addWidget(stack_, 1);
    connect(&session_, &Session::opened, this, &InspectView::showReport);
    connect(&session_, &Session::reportChanged, this, &InspectView::showReport);
    connect(&session_, &Session::metricsChanged, this, &InspectView::showReport);
    connect(heatmap_, &HeatmapPanel::metricShown, this, &InspectView::updateDepth);
}

QWidget* InspectView::makeBody() {
    auto* body = new QWidget(this);
    title_ = titleLabel(QString(), body);
    title_->setProperty("isData", true);
    subtitle_ = new ToneLabel(QString(), Token::Secondary, body);
    heatmap_ = new HeatmapPanel(session_, HeatmapPanel::Source::Measured, body);
    auto* header = new QHBoxLayout;
    header->setSpacing(kSpaceMedium);
    header->addWidget(title_, 0, Qt::AlignBaseline);
    header->addWidget(subtitle_, 1, Qt::AlignBaseline);
    header->addWidget(heatmap_->metricChoice(), 0, Qt::AlignVCenter);

    depth_ = new Plot(tr("Error over the depth"), body);
    depth_->showLegend();
    auto* depthPage = new QWidget(body);
    auto* depthLayout = new QVBoxLayout(depthPage);
    depthLayout->setContentsMargins(0, kSpaceSmall, 0, 0);
    depthLayout->addWidget(depth_);
    tabs_ = new QTabWidget(body);
    tabs_->setDocumentMode(true);
    tabs_->addTab(depthPage, tr("Depth"));
    tabs_->addTab(makeEvaluation(), tr("Evaluation"));
    tabs_->addTab(makeTable(run_, tr("Facts of the run")), tr("Run"));

    auto* layout = new QVBoxLayout(body);
    layout->setContentsMargins(kSpaceLarge, kSpaceMedium, kSpaceLarge, 0);
    layout->setSpacing(kSpaceMedium);
    layout->addLayout(header);
    layout->addWidget(heatmap_, 1);
    layout->addWidget(new Separator(Qt::Horizontal, body));
    layout->addWidget(tabs_, 1);
    return body;
}

QTableView* InspectView::makeTable(FactsModel& model, const QString& name) {
    auto* table = new QTableView(this);
    table->setAccessibleName(name);
    table->setModel(&model);
    makeQuietTable(*table);
    table->horizontalHeader()->hide();
    table->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Fixed);
    table->horizontalHeader()->resizeSection(0, kNameWidth);
    table->horizontalHeader()->setSectionResizeMode(1, QHeaderView::Stretch);
    return table;
}

QWidget* InspectView::makeEvaluation() {
    evaluationStack_ = new QStackedWidget(this);
    auto* nothing = new QWidget(this);
    auto* text = new ToneLabel(tr("Not evaluated yet. Perplexity, KL divergence against the "
                                  "original and agreement are measured on the held-out text."),
                               Token::Secondary, nothing);
    text->setWordWrap(true);
    evaluate_ = new QPushButton(icon(u"measure"_s), tr("Evaluate"), nothing);
    connect(evaluate_, &QPushButton::clicked, this, &InspectView::evaluateRequested);
    auto* layout = new QVBoxLayout(nothing);
    layout->setContentsMargins(0, kSpaceLarge, 0, 0);
    layout->setSpacing(kSpaceMedium);
    layout->addWidget(text);
    layout->addWidget(evaluate_, 0, Qt::AlignLeft);
    layout->addStretch(1);
    evaluationStack_->addWidget(nothing);
    evaluationStack_->addWidget(makeTable(evaluation_, tr("Results of the evaluation")));
    return evaluationStack_;
}

bool InspectView::hasHeatmap() const {
    return stack_->currentIndex() == 1;
}

void InspectView::showReport() {
    const bool anything = !session_.metrics().isEmpty() || !session_.evaluations().empty();
    stack_->setCurrentIndex(anything ? 1 : 0);
    if (!anything) {
        return;
    }
    const std::shared_ptr<const Report>& report =
        session_.report() ? session_.report() : session_.fidelity();
    const bool artifact = session_.facts() && session_.facts()->kind == OpenKind::Artifact;
    if (session_.facts()) {
        title_->setText(session_.facts()->name);
    } else if (report) {
        const auto model = report->run.find("model");
        title_->setText(model == report->run.end() ? tr("Report")
                                                   : QString::fromStdString(model->second));
    }
    subtitle_->setText(artifact ? tr("%1 bits per weight · %2")
                                      .arg(figureText(session_.facts()->bitsPerWeight),
                                           sizeText(session_.facts()->fileBytes))
                                : tr("before compressing"));
    run_.setFacts(report ? runFacts(*report) : QList<Fact>());
    evaluation_.setFacts(evaluationFacts(session_.evaluations()));
    evaluationStack_->setCurrentIndex(session_.evaluations().empty() ? 0 : 1);
    evaluate_->setEnabled(artifact);
    updateDepth();
}

void InspectView::updateDepth() {
    const MetricLayer* metric = session_.metric(heatmap_->metricId());
    const PlotAxes axes{tr("layer"), metric != nullptr ? metric->title : tr("error"), false, true};
    depth_->setCurves(axes, metric != nullptr ? depthCurves(*metric) : QList<Curve>());
}

} // namespace caldera::studio
