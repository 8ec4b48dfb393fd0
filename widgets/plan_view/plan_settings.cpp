#include "widgets/plan_view/plan_settings.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QSignalBlocker>
#include <QSpinBox>

#include <algorithm>

#include "core/plan/rank_step.h"
#include "widgets/models/plan_document.h"
#include "widgets/support/labels.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

PlanSettings::PlanSettings(PlanDocument& plan, QWidget* parent)
    : QWidget(parent), plan_(plan), bits_(new QComboBox(this)), rank_(new QSpinBox(this)),
      embeddings_(tableBits(tr("Bits of the embeddings"))),
      headCaption_(new ToneLabel(tr("Head"), Token::Secondary, this)),
      head_(tableBits(tr("Bits of the head"))) {
    rank_->setObjectName(u"commonRank"_s);
    rank_->setSingleStep(kRankStep);
    rank_->setKeyboardTracking(false);
    rank_->setAccessibleName(tr("Rank of all cells"));
    rank_->setToolTip(tr("Rank of the low-rank part of every unlocked cell: 0, or a multiple of "
                         "16. Small matrices take the largest that fits."));
    bits_->setObjectName(u"commonBits"_s);
    bits_->setAccessibleName(tr("Bits of all cells"));
    bits_->setToolTip(tr("Bits a weight of Q in every unlocked cell"));

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
        plan_.setCommonRank(nearestRank(rank));
        updateFromPlan();
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
    bits_->setCurrentIndex(bits_->findData(common.bits));
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
    rank_->setRange(0, largest);
    rank_->setValue(plan_.plan().defaults.rank);
    embeddings_->setCurrentIndex(embeddings_->findData(plan_.plan().embeddingBits));
    head_->setCurrentIndex(head_->findData(plan_.plan().headBits));
    const bool ownHead = !plan_.config().tiedEmbeddings;
    headCaption_->setVisible(ownHead);
    head_->setVisible(ownHead);
}

} // namespace caldera::studio
