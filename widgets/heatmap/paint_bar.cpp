#include "widgets/heatmap/paint_bar.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLocale>
#include <QResizeEvent>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QStackedWidget>
#include <QToolButton>

#include "core/plan/rank_step.h"
#include "widgets/heatmap/heatmap_editor.h"
#include "widgets/heatmap/heatmap_view.h"
#include "widgets/support/labels.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kLargestRank = 1024;
constexpr int kMostEvery = 16;
constexpr int kValueWidth = 88;
constexpr int kWidthForWords = 700;

QToolButton* buttonOf(QAction* action, QWidget* parent) {
    auto* button = new QToolButton(parent);
    button->setDefaultAction(action);
    button->setAutoRaise(true);
    button->setFixedSize(kControlHeight, kControlHeight);
    button->setAccessibleName(action->text());
    button->setFocusPolicy(Qt::TabFocus); // a click leaves the keyboard with the heatmap
    return button;
}

QComboBox* choice(const QString& name, QWidget* parent) {
    auto* box = new QComboBox(parent);
    box->setAccessibleName(name);
    box->setToolTip(name);
    box->setFocusPolicy(Qt::TabFocus);
    return box;
}

} // namespace

PaintBar::PaintBar(HeatmapEditor& editor, QWidget* parent)
    : QWidget(parent), editor_(editor), paint_(editor.paint()),
      what_(choice(tr("What is painted"), this)), values_(new QStackedWidget(this)),
      bits_(choice(tr("Bits that are painted"), this)), rank_(new QSpinBox(this)),
      codec_(choice(tr("Codec that is painted"), this)),
      on_(choice(tr("Whether the mark is set or taken away"), this)), every_(new QSpinBox(this)),
      caption_(new ToneLabel(tr("Paint"), Token::Secondary, this)),
      selection_(new ToneLabel(QString(), Token::Secondary, this)) {
    setObjectName(u"paintBar"_s);
    what_->addItems({tr("Bits"), tr("Rank"), tr("Codec"), tr("Lock"), tr("16 bits")});
    every_->setRange(1, kMostEvery);
    every_->setPrefix(tr("every "));
    every_->setAccessibleName(tr("Every how many layers"));
    every_->setToolTip(tr("Tools reach every n-th layer, counted from where the stroke began (N)"));
    auto* keys = new QToolButton(this);
    keys->setIcon(icon(u"keyboard"_s));
    keys->setAutoRaise(true);
    keys->setFixedSize(kControlHeight, kControlHeight);
    keys->setToolTip(tr("All keys of the heatmap (F1)"));
    keys->setAccessibleName(tr("All keys of the heatmap"));
    connect(keys, &QToolButton::clicked, this, &PaintBar::keysRequested);

    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(2);
    addTools(*layout);
    layout->addSpacing(kSpaceSmall);
    layout->addWidget(caption_);
    layout->addSpacing(kSpaceTiny);
    layout->addWidget(what_);
    layout->addSpacing(kSpaceTiny);
    layout->addWidget(makeValues());
    layout->addSpacing(kSpaceSmall);
    layout->addWidget(every_);
    layout->addWidget(buttonOf(editor.mirrorAction(), this));
    layout->addStretch(1);
    layout->addWidget(selection_);
    layout->addWidget(keys);
    connectBoxes();
    showState();
    showSelection();
}

void PaintBar::addTools(QHBoxLayout& layout) {
    for (int tool = 0; tool < kPaintToolCount; ++tool) {
        layout.addWidget(buttonOf(editor_.toolAction(static_cast<PaintTool>(tool)), this));
    }
}

QWidget* PaintBar::makeValues() {
    for (const double bits : bitsOfFamily(paint_.codec())) {
        bits_->addItem(QLocale::c().toString(bits), bits);
    }
    rank_->setRange(0, kLargestRank);
    rank_->setSingleStep(kRankStep);
    rank_->setKeyboardTracking(false);
    rank_->setAccessibleName(tr("Rank that is painted"));
    rank_->setToolTip(rank_->accessibleName());
    for (const std::string& family : paintableCodecs()) {
        codec_->addItem(QString::fromStdString(family));
    }
    on_->addItem(tr("set"), true);
    on_->addItem(tr("take away"), false);
    for (QWidget* value : {static_cast<QWidget*>(bits_), static_cast<QWidget*>(rank_),
                           static_cast<QWidget*>(codec_), static_cast<QWidget*>(on_)}) {
        values_->addWidget(value);
    }
    values_->setFixedSize(kValueWidth, kControlHeight);
    return values_;
}

void PaintBar::connectBoxes() {
    connect(what_, &QComboBox::activated, this,
            [this](int at) { paint_.setWhat(static_cast<PaintWhat>(at)); });
    connect(bits_, &QComboBox::activated, this,
            [this] { paint_.paintBits(bits_->currentData().toDouble()); });
    connect(rank_, &QSpinBox::valueChanged, this,
            [this](int rank) { paint_.paintRank(nearestRank(rank)); });
    connect(codec_, &QComboBox::activated, this,
            [this] { paint_.paintCodec(codec_->currentText().toStdString()); });
    connect(on_, &QComboBox::activated, this, [this] {
        const bool on = on_->currentData().toBool();
        paint_.what() == PaintWhat::Lock ? paint_.paintLock(on) : paint_.paintSkip(on);
    });
    connect(every_, &QSpinBox::valueChanged, &paint_, &PaintState::setEvery);
    connect(&paint_, &PaintState::changed, this, &PaintBar::showState);
    connect(editor_.view().selectionModel(), &QItemSelectionModel::selectionChanged, this,
            &PaintBar::showSelection);
}

void PaintBar::showState() {
    const QSignalBlocker blockRank(rank_);
    const QSignalBlocker blockEvery(every_);
    what_->setCurrentIndex(static_cast<int>(paint_.what()));
    values_->setCurrentWidget(paint_.what() == PaintWhat::Bits    ? static_cast<QWidget*>(bits_)
                              : paint_.what() == PaintWhat::Rank  ? static_cast<QWidget*>(rank_)
                              : paint_.what() == PaintWhat::Codec ? static_cast<QWidget*>(codec_)
                                                                  : static_cast<QWidget*>(on_));
    bits_->setCurrentIndex(bits_->findData(paint_.bits()));
    rank_->setValue(paint_.rank());
    codec_->setCurrentText(QString::fromStdString(paint_.codec()));
    on_->setCurrentIndex(on_->findData(paint_.on()));
    every_->setValue(paint_.reach().every);
    every_->setEnabled(paint_.reach().tool != PaintTool::Select);
}

void PaintBar::showSelection() {
    const auto count = static_cast<int>(editor_.view().selectedCells().size());
    selection_->setText(count == 0 ? QString()
                        : narrow_  ? tr("%1 selected").arg(count)
                                   : tr("%n cell(s) selected", nullptr, count));
}

void PaintBar::resizeEvent(QResizeEvent* event) {
    const bool narrow = event->size().width() < kWidthForWords;
    if (narrow != narrow_) {
        narrow_ = narrow;
        caption_->setVisible(!narrow);
        showSelection();
    }
    QWidget::resizeEvent(event);
}

} // namespace caldera::studio
