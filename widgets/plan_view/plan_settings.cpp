#include "widgets/plan_view/plan_settings.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QSignalBlocker>
#include <QSpinBox>

#include <algorithm>
#include <vector>

#include "core/plan/rank_step.h"
#include "widgets/models/cell_edit.h"
#include "widgets/models/plan_document.h"
#include "widgets/support/labels.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kBesideRank = 44;        ///< pixels of arrows and margins
constexpr int kMixedRank = -kRankStep; ///< of the field, where cells have different ones

/// Steps from mixed ranks to the plan's common one, not to 0.
class CommonRankBox : public QSpinBox {
public:
    CommonRankBox(const PlanDocument& plan, QWidget* parent) : QSpinBox(parent), plan_(plan) {}

    void stepBy(int steps) override {
        if (value() == kMixedRank) {
            setValue(plan_.plan().defaults.rank);
        } else {
            QSpinBox::stepBy(steps);
        }
    }

private:
    const PlanDocument& plan_;
};

/// Whether a cell that they set has other settings than the common ones, as after a solve.
template <typename IsCommon>
bool anyOther(const PlanDocument& plan, IsCommon isCommon) {
    const std::vector<Cell> cells = allCells(plan.config().layerCount);
    return std::any_of(cells.begin(), cells.end(), [&](Cell cell) {
        const CellSettings& settings = plan.settingsOf(cell);
        return !settings.skip && !settings.locked && !isCommon(cell, settings);
    });
}

} // namespace

PlanSettings::PlanSettings(PlanDocument& plan, QWidget* parent)
    : QWidget(parent), plan_(plan), bits_(new QComboBox(this)),
      rank_(new CommonRankBox(plan, this)), embeddings_(tableBits(tr("Bits of the embeddings"))),
      headCaption_(new ToneLabel(tr("Head"), Token::Secondary, this)),
      head_(tableBits(tr("Bits of the head"))) {
    rank_->setObjectName(u"commonRank"_s);
    rank_->setSingleStep(kRankStep);
    rank_->setKeyboardTracking(false);
    rank_->setMinimumWidth(rank_->fontMetrics().horizontalAdvance(tr("mixed")) + kBesideRank);
    rank_->setAccessibleName(tr("Rank of all cells"));
    rank_->setToolTip(tr("Rank of the low-rank part of every unlocked cell: 0, or a multiple of "
                         "16. Small matrices take the largest that fits."));
    bits_->setObjectName(u"commonBits"_s);
    bits_->setAccessibleName(tr("Bits of all cells"));
    bits_->setToolTip(tr("Bits a weight of Q in every unlocked cell"));
    bits_->setPlaceholderText(tr("mixed"));

    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    const auto add = [&](QLabel* caption, QWidget* field) {
        layout->addWidget(caption);
        layout->addWidget(field);
        layout->addSpacing(kSpaceTiny);
    };
    add(new ToneLabel(tr("Bits"), Token::Secondary, this), bits_);
    add(new ToneLabel(tr("Rank"), Token::Secondary, this), rank_);
    add(new ToneLabel(tr("Embeddings"), Token::Secondary, this), embeddings_);
    add(headCaption_, head_);
    layout->addStretch(1);

    connect(bits_, &QComboBox::activated, this,
            [this] { plan_.setCommonBits(bits_->currentData().toDouble()); });
    connect(rank_, &QSpinBox::valueChanged, this, [this](int rank) {
        if (rank != kMixedRank) {
            plan_.setCommonRank(nearestRank(rank));
            updateFromPlan();
        }
    });
    connect(embeddings_, &QComboBox::activated, this,
            [this] { plan_.setEmbeddingBits(embeddings_->currentData().toInt()); });
    connect(head_, &QComboBox::activated, this,
            [this] { plan_.setHeadBits(head_->currentData().toInt()); });
    connect(&plan_, &PlanDocument::changed, this, &PlanSettings::updateFromPlan);
    updateFromPlan();
}

QComboBox* PlanSettings::tableBits(const QString& name) {
    auto* box = new QComboBox(this);
    box->addItem(tr("16 bits"), 16);
    box->addItem(tr("8 bits"), 8);
    box->addItem(tr("4 bits"), 4);
    box->setAccessibleName(name);
    box->setToolTip(name);
    return box;
}

void PlanSettings::fillBits() {
    const CellSettings& common = plan_.plan().defaults;
    if (const QString family = QString::fromStdString(common.codec); family_ != family) {
        family_ = family;
        bits_->clear();
        for (const double bits : bitsOfFamily(common.codec)) {
            bits_->addItem(QLocale::c().toString(bits), bits);
        }
    }
    const bool isMixed = anyOther(
        plan_, [&](Cell, const CellSettings& settings) { return settings.bits == common.bits; });
    bits_->setCurrentIndex(isMixed ? -1 : bits_->findData(common.bits));
}

void PlanSettings::offerTableBits(int table) {
    QComboBox* bits = table == 0 ? embeddings_ : head_;
    bits->setFocus();
    bits->showPopup();
}

void PlanSettings::updateFromPlan() {
    setEnabled(!plan_.empty());
    if (plan_.empty()) {
        return;
    }
    int largest = 0;
    for (const Module module : kModules) {
        largest = std::max(largest, plan_.largestRank(module));
    }
    fillBits();
    const QSignalBlocker blocker(rank_);
    const int common = plan_.plan().defaults.rank;
    const bool isMixed = anyOther(plan_, [&](Cell cell, const CellSettings& settings) {
        return settings.rank == std::min(common, plan_.largestRank(cell.module));
    });
    rank_->setSpecialValueText(isMixed ? tr("mixed") : QString());
    rank_->setRange(isMixed ? kMixedRank : 0, largest);
    rank_->setValue(isMixed ? kMixedRank : common);
    embeddings_->setCurrentIndex(embeddings_->findData(plan_.plan().embeddingBits));
    head_->setCurrentIndex(head_->findData(plan_.plan().headBits));
    const bool ownHead = !plan_.config().tiedEmbeddings;
    headCaption_->setVisible(ownHead);
    head_->setVisible(ownHead);
}

} // namespace caldera::studio
