#include "widgets/inspect_view/course_pages.h"

#include <QComboBox>
#include <QHBoxLayout>

#include <algorithm>
#include <cmath>

#include "widgets/support/cell_text.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

QString percentText(double share) {
    return HistoryPage::tr("%1 %").arg(figureText(share * 100));
}

/// How much of the error a step of each kind took away in all, as a sentence.
QString historyText(const std::vector<HistoryEntry>& history) {
    if (history.empty()) {
        return HistoryPage::tr("No course of the error: only a compression has one.");
    }
    const auto best = std::min_element(history.begin(), history.end(),
                                       [](const HistoryEntry& a, const HistoryEntry& b) {
                                           return a.relativeError < b.relativeError;
                                       });
    return HistoryPage::tr("%n step(s); best %1 in round %2; last %3", nullptr,
                           static_cast<int>(history.size()))
        .arg(figureText(best->relativeError, 4), QString::number(best->iteration + 1),
             figureText(history.back().relativeError, 4));
}

/// A line with a text and choices above a plot.
void layOut(QWidget* page, const QList<QWidget*>& line, Plot* plot) {
    auto* top = new QHBoxLayout;
    top->setSpacing(kSpaceMedium);
    for (QWidget* part : line) {
        top->addWidget(part, part == line.first() ? 1 : 0);
    }
    auto* layout = new QVBoxLayout(page);
    layout->setContentsMargins(0, kSpaceSmall, 0, 0);
    layout->setSpacing(kSpaceTiny);
    layout->addLayout(top);
    layout->addWidget(plot, 1);
}

} // namespace

HistoryPage::HistoryPage(QWidget* parent)
    : InspectPage(parent), plot_(new Plot(tr("Error history"), this)),
      readout_(new ToneLabel(QString(), Token::Secondary, this)), overlay_(makeOverlayBox()) {
    plot_->showLegend();
    readout_->setWordWrap(true);
    layOut(this, {readout_, overlay_}, plot_);
    chooseByCurves(plot_);
}

void HistoryPage::look(const InspectFocus& focus) {
    overlay_->setCurrentIndex(overlay_->findData(static_cast<int>(focus.overlay)));
    plot_->setCurves({tr("step"), tr("relative error"), false, true}, historyCurves(focus));
    const CellReport* measured = focus.measured();
    readout_->setText(
        cellTitle(focus.cell) + u": "_s +
        historyText(measured != nullptr ? measured->history : std::vector<HistoryEntry>()));
}

SpectraPage::SpectraPage(QWidget* parent)
    : InspectPage(parent), plot_(new Plot(tr("Singular values"), this)),
      readout_(new ToneLabel(QString(), Token::Secondary, this)), overlay_(makeOverlayBox()),
      kind_(new QComboBox(this)) {
    plot_->showLegend();
    plot_->setCursorDraggable(true);
    kind_->setAccessibleName(tr("Which singular values are compared"));
    for (const Spectrum spectrum : {Spectrum::Weight, Spectrum::Hessian, Spectrum::Residual}) {
        kind_->addItem(spectrumTitle(spectrum), static_cast<int>(spectrum));
    }
    readout_->setWordWrap(true);
    layOut(this, {readout_, kind_, overlay_}, plot_);
    connect(kind_, &QComboBox::activated, this, &SpectraPage::draw);
    connect(plot_, &Plot::cursorDragged, this,
            [this](double x) { setRank(static_cast<int>(std::lround(x))); });
    connect(plot_, &Plot::clicked, this, [this](double x, double) {
        if (focus_.overlay == Overlay::Cell) {
            setRank(static_cast<int>(std::lround(x)));
        }
    });
    chooseByCurves(plot_);
}

void SpectraPage::look(const InspectFocus& focus) {
    focus_ = focus;
    overlay_->setCurrentIndex(overlay_->findData(static_cast<int>(focus.overlay)));
    draw();
}

void SpectraPage::draw() {
    const bool alone = focus_.overlay == Overlay::Cell;
    kind_->setVisible(!alone);
    const auto spectrum = static_cast<Spectrum>(kind_->currentData().toInt());
    plot_->setCurves({tr("index"), tr("singular value"), true, true, true},
                     alone ? spectraOfCell(focus_) : spectrumCurves(focus_, spectrum));
    read();
}

int SpectraPage::shownRank() const {
    const CellReport* measured = focus_.measured();
    return rank_ ? *rank_ : std::max(1, measured != nullptr ? measured->settings.rank : 0);
}

void SpectraPage::setRank(int rank) {
    rank_ = std::max(rank, 1);
    read();
}

void SpectraPage::read() {
    const CellReport* measured = focus_.measured();
    const int rank = shownRank();
    plot_->setCursorLine(rank, tr("rank %1").arg(rank));
    if (measured == nullptr || measured->singularValues.empty()) {
        readout_->setText(
            tr("No singular values were measured for %1.").arg(cellTitle(focus_.cell)));
        return;
    }
    QStringList parts;
    for (const Spectrum spectrum : {Spectrum::Weight, Spectrum::Hessian, Spectrum::Residual}) {
        const auto kept =
            energyKept(spectrumOf(*measured, spectrum), tailEnergyOf(*measured, spectrum), rank);
        if (kept) {
            parts.append(tr("%1 %2").arg(spectrumTitle(spectrum), percentText(*kept)));
        }
    }
    const auto most =
        rankThatKeeps(measured->hessianSingularValues, measured->hessianTailEnergy, 0.9);
    const QString ninety = most ? tr("90 % as the inputs see it needs rank %1.").arg(*most)
                                : tr("90 % as the inputs see it needs more than the %1 leading "
                                     "values.")
                                      .arg(measured->hessianSingularValues.size());
    readout_->setText(tr("%1: of the energy, rank %2 keeps: %3. %4")
                          .arg(cellTitle(focus_.cell), QString::number(rank),
                               parts.isEmpty() ? tr("an unknown share") : parts.join(u", "_s),
                               ninety));
}

} // namespace caldera::studio
