#include "widgets/inspect_view/compare_page.h"

#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QMenu>
#include <QPushButton>
#include <QSplitter>
#include <QStackedWidget>

#include <cmath>

#include "widgets/inspect_view/cells_page.h"
#include "widgets/inspect_view/inspect_curves.h"
#include "widgets/models/recent_items.h"
#include "widgets/models/session.h"
#include "widgets/models/session_background.h"
#include "widgets/support/cell_text.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/support/table.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

/// What reading another run gave.
struct OtherRun {
    std::shared_ptr<const Report> report;
    QString name;
    std::optional<Failure> failure;
};

/// What became of one model has its name, whatever it was compressed to.
QString runName(const OpenFacts& facts) {
    return facts.kind == OpenKind::Artifact
               ? ComparePage::tr("%1, %2 bpw").arg(facts.name, figureText(facts.bitsPerWeight))
               : facts.name;
}

OtherRun readRun(const QString& path) {
    OtherRun run;
    try {
        const OpenResult opened = openAnything(path);
        run.report = opened.report ? opened.report : opened.fidelity;
        run.name = opened.facts ? runName(*opened.facts) : QFileInfo(path).fileName();
        if (!run.report || run.report->cells.empty()) {
            run.failure = Failure{
                ComparePage::tr("%1 has no report of cells to compare with. Choose a compressed "
                                "model, or a report of one.")
                    .arg(path),
                u"compare.no-cells"_s};
        }
    } catch (const std::exception& error) {
        run.failure = describeFailure(error);
    }
    return run;
}

QString codesOf(const CellSettings& settings) {
    return settings.skip ? u"16"_s : u"%1/%2"_s.arg(settings.bits).arg(settings.rank);
}

QList<TableColumn> columnsOf(const QString& other) {
    const QString there = ComparePage::tr("Of %1").arg(other);
    return {
        {ComparePage::tr("Layer"), {}, true},
        {ComparePage::tr("Module"), {}, false},
        {ComparePage::tr("Bits/rank"), ComparePage::tr("Of what is open"), true},
        {ComparePage::tr("other"), there, true},
        {ComparePage::tr("Error"), ComparePage::tr("Of what is open"), true},
        {ComparePage::tr("other"), there, true},
        {ComparePage::tr("Ratio"), ComparePage::tr("Below 1: the other run is better"), true},
        {ComparePage::tr("Bytes more"), ComparePage::tr("The other run over this one"), true},
        {ComparePage::tr("Seconds more"), ComparePage::tr("The other run over this one"), true}};
}

QList<TableValue> rowOf(const RunPair& pair, Cell cell) {
    const CellReport& here = pair.here->cells.at(cell);
    const CellReport& there = pair.there->cells.at(cell);
    return {countValue(cell.layer),
            textValue(moduleText(cell.module)),
            textValue(codesOf(here.settings)),
            textValue(codesOf(there.settings)),
            numberValue(here.relativeError),
            numberValue(there.relativeError),
            numberValue(pair.ratio(cell)),
            countValue(there.bytes - here.bytes),
            numberValue(there.seconds - here.seconds, 3)};
}

MetricLayer ratiosOf(const RunPair& pair) {
    MetricLayer ratios{kComparedMetric,
                       ComparePage::tr("Error of %1 / here").arg(pair.name),
                       ComparePage::tr("below 1 it is better"),
                       ColorScale::Kind::Ratio,
                       {}};
    for (const Cell cell : pair.cells()) {
        ratios.values[cell] = pair.ratio(cell);
    }
    return ratios;
}

QString summaryOf(const RunPair& pair) {
    const std::vector<Cell> cells = pair.cells();
    int better = 0;
    int worse = 0;
    double here = 0;
    double there = 0;
    int64_t bytes = 0;
    for (const Cell cell : cells) {
        better += pair.ratio(cell) < 1 ? 1 : 0;
        worse += pair.ratio(cell) > 1 ? 1 : 0;
        here += pair.here->cells.at(cell).relativeError;
        there += pair.there->cells.at(cell).relativeError;
        bytes += pair.there->cells.at(cell).bytes - pair.here->cells.at(cell).bytes;
    }
    const auto count = static_cast<double>(std::max<size_t>(1, cells.size()));
    const QString size = bytes > 0   ? ComparePage::tr("%1 more").arg(sizeText(bytes))
                         : bytes < 0 ? ComparePage::tr("%1 less").arg(sizeText(-bytes))
                                     : ComparePage::tr("the same room");
    return ComparePage::tr("%1 is better in %2 and worse in %3 of %4 cells; mean error %5 here, %6 "
                           "there; its cells take %7.")
        .arg(pair.name, countText(better), countText(worse),
             countText(static_cast<int64_t>(cells.size())), figureText(here / count, 4),
             figureText(there / count, 4), size);
}

} // namespace

std::vector<Cell> RunPair::cells() const {
    std::vector<Cell> result;
    for (const auto& [cell, measured] : here->cells) {
        const auto found = there->cells.find(cell);
        if (found != there->cells.end() && measured.relativeError > 0 &&
            std::isfinite(found->second.relativeError)) {
            result.push_back(cell);
        }
    }
    return result;
}

double RunPair::ratio(Cell cell) const {
    return there->cells.at(cell).relativeError / here->cells.at(cell).relativeError;
}

QString whyNotComparable(const Report& here, const Report& there) {
    if (here.layerCount != there.layerCount) {
        return ComparePage::tr("it is of a model of %1 layers, and what is open has %2")
            .arg(there.layerCount)
            .arg(here.layerCount);
    }
    for (const auto& [cell, measured] : here.cells) {
        const auto found = there.cells.find(cell);
        if (found != there.cells.end() && found->second.shape != measured.shape) {
            return ComparePage::tr("its %1 is %2 × %3, and here it is %4 × %5")
                .arg(cellTitle(cell))
                .arg(found->second.shape.rows)
                .arg(found->second.shape.columns)
                .arg(measured.shape.rows)
                .arg(measured.shape.columns);
        }
    }
    return {};
}

ComparePage::ComparePage(Session& session, QWidget* parent)
    : InspectPage(parent), session_(session), banner_(new ErrorBanner(this)),
      summary_(new ToneLabel(QString(), Token::Secondary, this)),
      button_(new QPushButton(icon(u"compare"_s), tr("Compare with…"), this)),
      stack_(new QStackedWidget(this)), plot_(new Plot(tr("Ratio of errors"), this)),
      cells_(new CellTable(tr("Comparison"), this)) {
    summary_->setWordWrap(true);
    plot_->showLegend();
    auto* split = new QSplitter(Qt::Horizontal, this);
    split->setChildrenCollapsible(false);
    split->addWidget(plot_);
    split->addWidget(cells_);
    split->setStretchFactor(0, 2);
    split->setStretchFactor(1, 3);
    split->setSizes({400, 600});
    stack_->addWidget(new QWidget(this));
    stack_->addWidget(split);
    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceMedium);
    line->addWidget(summary_, 1);
    line->addWidget(button_, 0, Qt::AlignTop);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, kSpaceSmall, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(banner_);
    layout->addLayout(line);
    layout->addWidget(stack_, 1);
    connect(button_, &QPushButton::clicked, this, &ComparePage::choose);
    connect(cells_, &CellTable::cellChosen, this, &ComparePage::cellChosen);
    connect(plot_, &Plot::pointClicked, this, [this](const CurvePoint& point) {
        const Curve& curve = plot_->curves()[point.curve];
        Q_EMIT cellChosen({static_cast<int>(curve.x[point.point]), curve.subject.value<Module>()});
    });
    showPair();
}

void ComparePage::choose() {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    const RecentItems recent;
    for (const RecentItem& item : recent.items()) {
        if (item.artifact && pair_.here && item.layers == pair_.here->layerCount) {
            QAction* action =
                menu->addAction(icon(u"artifact"_s),
                                tr("%1, %2 bpw").arg(item.name, figureText(item.bitsPerWeight)),
                                this, [this, path = item.path] { compareWith(path); });
            action->setToolTip(item.path);
        }
    }
    menu->addSeparator();
    const auto ask = [this](QFileDialog::FileMode mode) {
        auto* dialog = new QFileDialog(this, tr("Compare with another run"));
        dialog->setAttribute(Qt::WA_DeleteOnClose);
        dialog->setFileMode(mode);
        if (mode == QFileDialog::ExistingFile) {
            dialog->setNameFilters({tr("Reports (*.h5)"), tr("All files (*)")});
        }
        connect(dialog, &QFileDialog::fileSelected, this, &ComparePage::compareWith);
        dialog->open();
    };
    menu->addAction(icon(u"folder"_s), tr("Compressed model…"), this,
                    [ask] { ask(QFileDialog::Directory); });
    menu->addAction(icon(u"chart"_s), tr("Report…"), this,
                    [ask] { ask(QFileDialog::ExistingFile); });
    menu->popup(button_->mapToGlobal(button_->rect().bottomLeft()));
}

void ComparePage::compareWith(const QString& path) {
    const int generation = ++generation_;
    banner_->clear();
    session_.inBackground([path] { return readRun(path); },
                          [this, path, generation](const OtherRun& run) {
                              if (generation != generation_) {
                                  return; // another run was asked for meanwhile
                              }
                              if (run.failure) {
                                  banner_->showFailure(*run.failure, path);
                              } else {
                                  take(run.report, run.name);
                              }
                          });
}

void ComparePage::take(const std::shared_ptr<const Report>& other, const QString& name) {
    const QString why = pair_.here ? whyNotComparable(*pair_.here, *other)
                                   : tr("no report is open to compare it with");
    if (!why.isEmpty()) {
        banner_->showFailure(
            {tr("%1 cannot be compared: %2.").arg(name, why), u"compare.different"_s});
        return;
    }
    pair_.there = other;
    pair_.name = name;
    showPair();
    colourCells();
    Q_EMIT compared();
}

/// The heatmap shows what the table lists.
void ComparePage::colourCells() {
    session_.compare(pair_.there ? std::optional(ratiosOf(pair_)) : std::nullopt);
}

void ComparePage::look(const InspectFocus& focus) {
    focus_ = focus;
    if (pair_.here != focus.report) {
        pair_.here = focus.report;
        if (pair_.there &&
            (!pair_.here || !whyNotComparable(*pair_.here, *pair_.there).isEmpty())) {
            pair_.there.reset(); // another model is open
        }
        showPair();
        colourCells();
    }
    if (pair_.there) {
        plot_->setCursorLine(focus.cell.layer, tr("layer %1").arg(focus.cell.layer));
        cells_->select(focus.cell);
    }
}

void ComparePage::showPair() {
    button_->setEnabled(pair_.here != nullptr);
    stack_->setCurrentIndex(pair_.there ? 1 : 0);
    if (!pair_.there) {
        summary_->setText(tr("Another run of the same model, cell by cell: settings, errors, bytes "
                             "and times."));
        return;
    }
    summary_->setText(summaryOf(pair_));
    plot_->setCurves({tr("layer"), tr("error there / here"), false, true},
                     depthCurves(ratiosOf(pair_)));
    std::vector<QList<TableValue>> rows;
    const std::vector<Cell> cells = pair_.cells();
    for (const Cell cell : cells) {
        rows.push_back(rowOf(pair_, cell));
    }
    cells_->setTable(columnsOf(pair_.name), std::move(rows), cells);
    cells_->select(focus_.cell);
}

} // namespace caldera::studio
