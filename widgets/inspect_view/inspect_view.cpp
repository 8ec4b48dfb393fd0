#include "widgets/inspect_view/inspect_view.h"

#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QSplitter>
#include <QTabWidget>
#include <QTableView>
#include <QVBoxLayout>

#include "core/report/kept_reports.h"
#include "widgets/heatmap/heatmap_view.h"
#include "widgets/inspect_view/blame_page.h"
#include "widgets/inspect_view/cells_page.h"
#include "widgets/inspect_view/channels_page.h"
#include "widgets/inspect_view/compare_page.h"
#include "widgets/inspect_view/course_pages.h"
#include "widgets/inspect_view/depth_page.h"
#include "widgets/inspect_view/evaluation_page.h"
#include "widgets/inspect_view/report_tables.h"
#include "widgets/inspect_view/run_summary.h"
#include "widgets/models/session.h"
#include "widgets/support/empty_state.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/support/page_stack.h"
#include "widgets/support/parts_label.h"
#include "widgets/support/save_file.h"
#include "widgets/support/table.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kNameWidth = 260;
}

InspectView::InspectView(Session& session, QWidget* parent)
    : QWidget(parent), session_(session), banner_(new ErrorBanner(this)),
      stack_(new PageStack(this)),
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

QWidget* InspectView::makeHeader() {
    auto* header = new QWidget(this);
    title_ = titleLabel(QString(), header);
    title_->setProperty("isData", true);
    subtitle_ = new ToneLabel(QString(), Token::Secondary, header);
    auto* layout = new QHBoxLayout(header);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceMedium);
    layout->addWidget(title_, 0, Qt::AlignBaseline);
    layout->addWidget(subtitle_, 0, Qt::AlignBaseline);
    layout->addStretch(1);
    layout->addWidget(heatmap_->agreement(), 0, Qt::AlignVCenter);
    layout->addWidget(heatmap_->metricChoice(), 0, Qt::AlignVCenter);
    auto* report = new QPushButton(icon(u"export"_s), tr("Report…"), header);
    report->setToolTip(tr("One page with plan, charts, numbers, hashes and commands"));
    connect(report, &QPushButton::clicked, this, &InspectView::exportSummary);
    layout->addWidget(report, 0, Qt::AlignVCenter);
    return header;
}

QWidget* InspectView::makeBody() {
    auto* body = new QWidget(this);
    heatmap_ = new HeatmapPanel(session_, HeatmapPanel::Source::Measured, body);
    tabs_ = new QTabWidget(body);
    tabs_->setDocumentMode(true);
    makePages();
    auto* split = new QSplitter(Qt::Vertical, body);
    split->setChildrenCollapsible(false);
    split->addWidget(heatmap_);
    split->addWidget(tabs_);
    split->setStretchFactor(0, 2);
    split->setStretchFactor(1, 3);
    auto* layout = new QVBoxLayout(body);
    layout->setContentsMargins(kSpaceLarge, kSpaceMedium, kSpaceLarge, 0);
    layout->setSpacing(kSpaceMedium);
    layout->addWidget(makeHeader());
    layout->addWidget(split, 1);
    connect(heatmap_->view(), &HeatmapView::cellShown, this, &InspectView::look);
    connect(tabs_, &QTabWidget::currentChanged, this, [this](int page) {
        wantedPage_ = page;
        look();
    });
    return body;
}

template <typename Page>
void InspectView::addPage(Page*& page, Page* made, const QString& title) {
    page = made;
    tabs_->addTab(page, title);
    connect(page, &InspectPage::cellChosen, this,
            [this](const Cell& cell) { heatmap_->view()->pin(cell); });
    connect(page, &InspectPage::cellPointed, this,
            [this](const std::optional<Cell>& cell) { heatmap_->view()->hover(cell); });
    connect(page, &InspectPage::overlayChosen, this, [this](Overlay overlay) {
        overlay_ = overlay;
        look();
    });
}

void InspectView::makePages() {
    addPage(history_, new HistoryPage(tabs_), tr("History"));
    addPage(spectra_, new SpectraPage(tabs_), tr("Spectra"));
    addPage(channels_, new ChannelsPage(tabs_), tr("Channels"));
    addPage(depth_, new DepthPage(tabs_), tr("Depth"));
    addPage(cells_, new CellsPage(tabs_), tr("Cells"));
    addPage(compare_, new ComparePage(session_, tabs_), tr("Compare"));
    connect(compare_, &ComparePage::compared, this,
            [this] { heatmap_->showMetric(kComparedMetric); });
    addPage(evaluation_, new EvaluationPage(session_, tabs_), tr("Evaluation"));
    connect(evaluation_, &EvaluationPage::evaluateRequested, this, &InspectView::evaluateRequested);
    addPage(blame_, new BlamePage(session_, tabs_), tr("Blame"));
    connect(blame_, &BlamePage::blameRequested, this, &InspectView::blameRequested);
    connect(blame_, &BlamePage::putBackRequested, this, &InspectView::putBackRequested);
    tabs_->addTab(makeTable(run_, tr("Facts of the run")), tr("Run"));
    // Titles are short, so that all of them are seen in a small window.
    tabs_->setTabToolTip(tabs_->indexOf(history_), tr("Error history"));
    tabs_->setTabToolTip(tabs_->indexOf(channels_), tr("Errors of rows and columns"));
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

bool InspectView::hasHeatmap() const {
    return stack_->currentIndex() == 1;
}

std::shared_ptr<const Report> InspectView::measuredReport() const {
    for (const std::shared_ptr<const Report>& report : {session_.report(), session_.fidelity()}) {
        if (report && !report->cells.empty()) {
            return report;
        }
    }
    return nullptr;
}

InspectFocus InspectView::focus() const {
    InspectFocus focus{measuredReport(), {}, overlay_};
    if (const std::optional<Cell> shown = heatmap_->view()->shownCell()) {
        focus.cell = *shown;
    } else if (const std::optional<Cell> fragile = heatmap_->mostFragile()) {
        focus.cell = *fragile;
    } else if (focus.report) {
        focus.cell = focus.report->cells.begin()->first;
    }
    return focus;
}

void InspectView::expectBlame(const QString& word) {
    tabs_->setCurrentWidget(blame_);
    blame_->expect(word);
}

void InspectView::endBlame() {
    blame_->expect({});
}

void InspectView::exportSummary() {
    if (!hasHeatmap()) {
        return;
    }
    const Summary summary = summaryOf(session_);
    const QString title = QString::fromStdString(titleOf(summary));
    saveFile(this, {tr("Export a report of %1").arg(title),
                    QString(title).replace(u'/', u'-') + u".html"_s,
                    {tr("Web page (*.html)"), tr("PDF document (*.pdf)")},
                    [summary, title](const QString& suffix) {
                        const Drawing page = summaryPage(summary);
                        const std::string name = title.toStdString();
                        return QByteArray::fromStdString(suffix == u"pdf" ? toPdf(page, name)
                                                                          : toHtml(page, name));
                    }});
}

void InspectView::look() {
    auto* page = qobject_cast<InspectPage*>(tabs_->currentWidget());
    if (page != nullptr && hasHeatmap()) {
        page->look(focus());
    }
}

void InspectView::showReport() {
    const bool wasEmpty = !hasHeatmap();
    const bool anything = !session_.metrics().isEmpty() || !session_.evaluations().empty();
    stack_->setCurrentIndex(anything ? 1 : 0);
    if (!anything) {
        return;
    }
    const std::shared_ptr<const Report>& report =
        session_.report() ? session_.report() : session_.fidelity();
    showName(report.get());
    run_.setFacts(report ? runFacts(*report) : QList<Fact>());
    depth_->setEvaluations(session_.evaluations());
    if (session_.blame() && session_.blame() != shownBlame_) {
        heatmap_->showMetric(QString::fromLatin1(kBlameMetric));
        heatmap_->view()->pin(heatmap_->mostFragile());
        tabs_->setCurrentWidget(blame_);
    }
    shownBlame_ = session_.blame();
    updateDepth();
    if (wasEmpty || focus().report != shownReport_) { // an empty page that somebody chose stays
        leaveEmptyPage();
    }
    look();
}

void InspectView::leaveEmptyPage() {
    const InspectFocus open = focus();
    shownReport_ = open.report;
    const auto hasData = [&](int at) {
        const auto* page = qobject_cast<const InspectPage*>(tabs_->widget(at));
        return page == nullptr || page->hasDataOf(open); // the facts of the run are always there
    };
    const int wanted = wantedPage_;
    int at = wanted;
    for (int page = 0; !hasData(at); ++page) {
        at = page;
    }
    tabs_->setCurrentIndex(at);
    wantedPage_ = wanted;
}

void InspectView::showName(const Report* report) {
    const bool artifact = session_.facts() && session_.facts()->kind == OpenKind::Artifact;
    if (session_.facts()) {
        title_->setText(session_.facts()->name);
    } else if (report != nullptr) {
        const auto model = report->run.find("model");
        title_->setText(model == report->run.end() ? tr("Report")
                                                   : QString::fromStdString(model->second));
    }
    subtitle_->setText(artifact ? tr("%1 bits per weight · %2")
                                      .arg(figureText(session_.facts()->bitsPerWeight),
                                           sizeText(session_.facts()->fileBytes))
                                : tr("before compressing"));
}

void InspectView::updateDepth() {
    depth_->setMetric(session_.metric(heatmap_->metricId()));
}

} // namespace caldera::studio
