#include "widgets/cell_panel/cell_panel.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QGridLayout>
#include <QLabel>
#include <QLocale>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/plan/rank_step.h"
#include "widgets/models/cell_edit.h"
#include "widgets/support/cell_text.h"
#include "widgets/support/empty_state.h"
#include "widgets/support/icon_button.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/support/plot.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kHistoryHeight = 148;
constexpr int kSpectraHeight = 208;

QVector<double> countingFromOne(qsizetype count) {
    QVector<double> numbers(count);
    for (qsizetype at = 0; at < count; ++at) {
        numbers[at] = static_cast<double>(at + 1);
    }
    return numbers;
}

Curve curveOf(const QString& name, const QVector<double>& values, Token tone) {
    return {name,   countingFromOne(values.size()),
            values, [tone] { return Theme::current().color(tone); },
            false,  false};
}

bool haveSamePoints(const QList<Curve>& a, const QList<Curve>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Curve& one, const Curve& other) {
                          return one.name == other.name && one.x == other.x && one.y == other.y;
                      });
}

QString settingsLine(const CellSettings& settings) {
    if (settings.skip) {
        return CellPanel::tr("16 bits, not compressed");
    }
    return CellPanel::tr("%1 bits, rank %2, %3")
        .arg(settings.bits)
        .arg(settings.rank)
        .arg(QString::fromStdString(settings.codecId()));
}

} // namespace

CellPanel::CellPanel(QWidget* parent) : QWidget(parent), stack_(new QStackedWidget(this)) {
    auto* empty = new EmptyState(
        u"inspect"_s, tr("No cell chosen"),
        tr("Point at a cell of the heatmap to see its figures, click it to keep it here."), this);
    auto* content = new QWidget(this);
    auto* layout = new QVBoxLayout(content);
    layout->setContentsMargins(kSpaceLarge, kSpaceMedium, kSpaceLarge, kSpaceLarge);
    layout->setSpacing(kSpaceMedium);
    layout->addWidget(makeHead());
    layout->addWidget(makeFacts());
    layout->addWidget(makeEditors());
    layout->addWidget(makePlots(), 1);

    auto* scroll = new QScrollArea(this);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setWidget(content);
    content->setBackgroundRole(QPalette::Base);
    content->setAutoFillBackground(true);
    scroll->viewport()->setBackgroundRole(QPalette::Base);

    stack_->addWidget(empty);
    stack_->addWidget(scroll);
    auto* whole = new QVBoxLayout(this);
    whole->setContentsMargins(0, 0, 0, 0);
    whole->addWidget(stack_);
    setBackgroundRole(QPalette::Base);
    setAutoFillBackground(true);
    setMinimumWidth(300);
}

QWidget* CellPanel::makeHead() {
    auto* head = new QWidget(this);
    title_ = new ToneLabel(QString(), Token::Text, head);
    title_->setFont(Theme::current().textFont(2, QFont::DemiBold));
    title_->setObjectName(u"cellTitle"_s);
    name_ = new ElidedLabel(QString(), head);
    name_->setFont(Theme::current().numberFont(-1));
    name_->setTone(Token::Secondary);
    unpin_ = iconButton(u"pin"_s, tr("Pinned: click to follow the cursor again"), head);
    unpin_->setCheckable(true);
    unpin_->setChecked(true);
    unpin_->setAccessibleName(tr("Unpin the cell"));
    unpin_->hide();
    connect(unpin_, &QToolButton::clicked, this, [this] {
        unpin_->setChecked(true);
        Q_EMIT unpinRequested();
    });
    auto* grid = new QGridLayout(head);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setVerticalSpacing(2);
    grid->addWidget(title_, 0, 0);
    grid->addWidget(unpin_, 0, 1, 2, 1, Qt::AlignTop);
    grid->addWidget(name_, 1, 0);
    grid->setColumnStretch(0, 1);
    head->setMinimumHeight(kControlHeight + kSpaceLarge);
    return head;
}

QWidget* CellPanel::makeFacts() {
    auto* facts = new QWidget(this);
    auto* grid = new QGridLayout(facts);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(kSpaceMedium);
    grid->setVerticalSpacing(kSpaceTiny);
    grid->setColumnStretch(1, 1);
    int row = 0;
    const auto line = [&](const QString& caption, QLabel** captionOut = nullptr) {
        auto* label = new ToneLabel(caption, Token::Secondary, facts);
        ToneLabel* value = numberLabel(QString(), facts);
        grid->addWidget(label, row, 0, Qt::AlignTop);
        grid->addWidget(value, row, 1);
        if (captionOut != nullptr) {
            *captionOut = label;
        }
        ++row;
        return value;
    };
    shape_ = line(tr("Shape"));
    settings_ = line(tr("Settings"));
    planned_ = new ToneLabel(QString(), Token::Text, facts);
    planned_->setObjectName(u"plannedNow"_s);
    planned_->setFont(Theme::current().textFont(-1));
    planned_->setWordWrap(true);
    grid->addWidget(planned_, row++, 1);
    size_ = line(tr("Size"));
    bpw_ = line(tr("Bits per weight"));
    value_ = line(tr("Error"), &metric_);
    settings_->setWordWrap(true);
    valueKind_ = new ToneLabel(QString(), Token::Secondary, facts);
    valueKind_->setFont(Theme::current().textFont(-1));
    valueKind_->setWordWrap(true);
    grid->addWidget(valueKind_, row, 1);
    reason_ = new ToneLabel(QString(), Token::Secondary, facts);
    reason_->setObjectName(u"reason"_s);
    reason_->setWordWrap(true);
    grid->addWidget(reason_, row + 1, 0, 1, 2);
    return facts;
}

QWidget* CellPanel::makeEditors() {
    editors_ = new QWidget(this);
    rank_ = new QSpinBox(editors_);
    rank_->setSingleStep(kRankStep);
    rank_->setAccessibleName(tr("Rank of this cell"));
    rank_->setToolTip(tr("Rank of the low-rank part: 0, or a multiple of 16"));
    rank_->setKeyboardTracking(false);
    locked_ = new QCheckBox(tr("Locked"), editors_);
    locked_->setToolTip(tr("Changes of the whole plan leave this cell alone"));
    skipped_ = new QCheckBox(tr("Keep at 16 bits"), editors_);
    skipped_->setToolTip(tr("The cell is not compressed"));
    bits_ = new QComboBox(editors_);
    bits_->setAccessibleName(tr("Bits of this cell"));
    bits_->setToolTip(tr("Bits a weight of Q"));
    codec_ = new QComboBox(editors_);
    codec_->setAccessibleName(tr("Codec of this cell"));
    codec_->setToolTip(tr("How Q is coded; cells that share an input take the same"));
    for (const std::string& family : paintableCodecs()) {
        codec_->addItem(QString::fromStdString(family));
    }
    connectEditors();
    layOutEditors();
    return editors_;
}

void CellPanel::layOutEditors() {
    auto* layout = new QGridLayout(editors_);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setHorizontalSpacing(kSpaceMedium);
    layout->setVerticalSpacing(kSpaceSmall);
    layout->addWidget(new Separator(Qt::Horizontal, editors_), 0, 0, 1, 2);
    auto* fields = new QHBoxLayout;
    fields->setSpacing(kSpaceSmall);
    for (const auto& [name, field] : {std::pair<QString, QWidget*>(tr("Bits"), bits_),
                                      std::pair<QString, QWidget*>(tr("Rank"), rank_)}) {
        auto* caption = new ToneLabel(name, Token::Secondary, editors_);
        caption->setBuddy(field);
        fields->addWidget(caption);
        fields->addWidget(field);
    }
    fields->addStretch(1);
    layout->addLayout(fields, 1, 0, 1, 2);
    auto* caption = new ToneLabel(tr("Codec"), Token::Secondary, editors_);
    caption->setBuddy(codec_);
    layout->addWidget(caption, 2, 0);
    layout->addWidget(codec_, 2, 1, Qt::AlignLeft);
    auto* marks = new QHBoxLayout;
    marks->setSpacing(kSpaceLarge);
    marks->addWidget(locked_);
    marks->addWidget(skipped_);
    marks->addStretch(1);
    layout->addLayout(marks, 3, 0, 1, 2);
    layout->setColumnStretch(1, 1);
}

void CellPanel::connectEditors() {
    const auto ofCell = [this](auto tell) {
        return [this, tell](auto value) {
            if (details_) {
                tell(details_->cell, value);
            }
        };
    };
    connect(rank_, &QSpinBox::valueChanged, this, ofCell([this](const Cell& cell, int rank) {
                Q_EMIT rankEdited(cell, std::min(nearestRank(rank), details_->largestRank));
            }));
    connect(bits_, &QComboBox::activated, this, ofCell([this](const Cell& cell, int at) {
                Q_EMIT bitsEdited(cell, bits_->itemData(at).toDouble());
            }));
    connect(codec_, &QComboBox::activated, this, ofCell([this](const Cell& cell, int at) {
                Q_EMIT codecEdited(cell, codec_->itemText(at));
            }));
    connect(locked_, &QCheckBox::toggled, this,
            ofCell([this](const Cell& cell, bool on) { Q_EMIT lockEdited(cell, on); }));
    connect(skipped_, &QCheckBox::toggled, this,
            ofCell([this](const Cell& cell, bool on) { Q_EMIT skipEdited(cell, on); }));
}

QWidget* CellPanel::makePlots() {
    auto* plots = new QWidget(this);
    auto* layout = new QVBoxLayout(plots);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceMedium);
    const auto section = [&](const QString& caption, Plot* plot, int height) {
        auto* box = new QWidget(plots);
        auto* inner = new QVBoxLayout(box);
        inner->setContentsMargins(0, 0, 0, 0);
        inner->setSpacing(kSpaceSmall);
        inner->addWidget(new Separator(Qt::Horizontal, box));
        inner->addWidget(sectionLabel(caption, box));
        inner->addWidget(plot);
        plot->setFixedHeight(height);
        layout->addWidget(box);
        return box;
    };
    history_ = new Plot(tr("Error history"), plots);
    historySection_ = section(tr("Error history"), history_, kHistoryHeight);
    spectra_ = new Plot(tr("Singular values"), plots);
    spectra_->showLegend();
    connect(spectra_, &Plot::cursorDragBegan, this, &CellPanel::rankDragBegan);
    connect(spectra_, &Plot::cursorDragged, this, [this](double x) {
        if (details_) {
            const int rank = nearestRank(static_cast<int>(std::lround(std::max(x, 0.0))));
            Q_EMIT rankDragged(details_->cell, std::min(rank, details_->largestRank));
        }
    });
    spectraSection_ = section(tr("Singular values"), spectra_, kSpectraHeight);
    noPlots_ = new ToneLabel(
        tr("No spectra yet. Measure the model, or compress it, to see singular values and the "
           "course of the error."),
        Token::Secondary, plots);
    noPlots_->setWordWrap(true);
    layout->addWidget(noPlots_);
    layout->addStretch(1);
    return plots;
}

void CellPanel::showCell(const std::optional<CellDetails>& details) {
    details_ = details;
    stack_->setCurrentIndex(details_ ? 1 : 0);
    if (!details_) {
        return;
    }
    updateFacts();
    updateEditors();
    updateHistory();
    updateSpectra();
    noPlots_->setVisible(historySection_->isHidden() && spectraSection_->isHidden());
}

void CellPanel::setPinned(bool pinned) {
    unpin_->setVisible(pinned);
}

void CellPanel::setEditable(bool editable) {
    editable_ = editable;
    editors_->setVisible(editable);
}

void CellPanel::updateFacts() {
    const std::string name = cellName(details_->cell);
    title_->setText(cellHeading(details_->cell));
    name_->setText(QString::fromStdString(name));
    shape_->setText(countText(details_->shape.rows) + u' ' + QChar(kTimes) + u' ' +
                    countText(details_->shape.columns));
    settings_->setText(settingsLine(details_->settings));
    planned_->setText(tr("as measured; the plan has %1 now").arg(details_->planned));
    planned_->setVisible(!details_->planned.isEmpty());
    size_->setText(sizeText(details_->bytes));
    size_->setToolTip(tr("%1 bytes").arg(countText(details_->bytes)));
    bpw_->setText(figureText(details_->bitsPerWeight));
    // Names of errors are long for this column; the line below says which one it is.
    metric_->setText(details_->metricIsError ? tr("Error") : details_->metric);
    value_->setText(details_->value ? figureText(*details_->value, 4) : tr("not measured"));
    value_->setTone(details_->value ? Token::Text : Token::Secondary);
    const QString kind = details_->metricIsError
                             ? tr("%1, %2").arg(details_->metric, details_->valueKind)
                             : details_->valueKind;
    valueKind_->setText((QStringList(kind) + details_->valueNotes).join(u'\n'));
    valueKind_->setVisible(details_->value.has_value());
    reason_->setText(tr("Why: %1").arg(details_->reason));
    reason_->setVisible(!details_->reason.isEmpty());
}

void CellPanel::updateEditors() {
    const QSignalBlocker blockRank(rank_);
    const QSignalBlocker blockLock(locked_);
    const QSignalBlocker blockSkip(skipped_);
    rank_->setRange(0, details_->largestRank);
    rank_->setValue(details_->settings.rank);
    fillBits();
    codec_->setCurrentIndex(codec_->findText(QString::fromStdString(details_->settings.codec)));
    locked_->setChecked(details_->settings.locked);
    skipped_->setChecked(details_->settings.skip);
    const bool free = !details_->settings.skip && !details_->settings.locked;
    for (QWidget* field : {static_cast<QWidget*>(rank_), static_cast<QWidget*>(bits_),
                           static_cast<QWidget*>(codec_)}) {
        field->setEnabled(free);
    }
    skipped_->setEnabled(!details_->settings.locked);
}

void CellPanel::fillBits() {
    const std::vector<double> choices = bitsOfFamily(details_->settings.codec);
    bits_->clear();
    for (const double bits : choices) {
        bits_->addItem(QLocale::c().toString(bits), bits);
    }
    bits_->setCurrentIndex(bits_->findData(details_->settings.bits));
}

void CellPanel::updateHistory() {
    historySection_->setVisible(!details_->history.isEmpty());
    if (details_->history.isEmpty()) {
        return;
    }
    QVector<double> errors;
    for (const ErrorStep& step : details_->history) {
        errors.append(step.relativeError);
    }
    Curve curve = curveOf(tr("relative error"), errors, Token::Accent);
    curve.points = true;
    history_->setCurves({tr("step"), tr("relative error"), false, true}, {curve});
}

void CellPanel::updateSpectra() {
    QList<Curve> curves;
    if (!details_->weightSpectrum.isEmpty()) {
        curves.append(curveOf(tr("W"), details_->weightSpectrum, Token::Secondary));
    }
    if (!details_->hessianSpectrum.isEmpty()) {
        curves.append(
            curveOf(tr("W, as the inputs see it"), details_->hessianSpectrum, Token::Accent));
    }
    if (!details_->residualSpectrum.isEmpty()) {
        Curve residual = curveOf(tr("what is left"), details_->residualSpectrum, Token::Warn);
        curves.append(residual);
    }
    spectraSection_->setVisible(!curves.isEmpty());
    if (curves.isEmpty()) {
        return;
    }
    if (!haveSamePoints(curves, spectra_->curves())) { // an edit changes the rank alone
        spectra_->setCurves({tr("index"), tr("singular value"), true, true}, curves);
    }
    const bool draggable = editable_ && !details_->settings.skip && !details_->settings.locked;
    const bool ranked = !details_->settings.skip && (details_->settings.rank > 0 || draggable);
    spectra_->setCursorDraggable(draggable);
    spectra_->setToolTip(draggable ? tr("Drag the line to change the rank") : QString());
    spectra_->setCursorLine(ranked ? std::optional<double>(details_->settings.rank) : std::nullopt,
                            tr("rank %1").arg(details_->settings.rank));
}

} // namespace caldera::studio
