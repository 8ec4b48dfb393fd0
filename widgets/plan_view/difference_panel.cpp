#include "widgets/plan_view/difference_panel.h"

#include <QCoreApplication>
#include <QHeaderView>
#include <QPushButton>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>
#include <array>
#include <string>

#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/support/table.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kMostLines = 3; ///< of a reason
constexpr int kRowPadding = 10;

struct PlanKeyName {
    const char* key;
    const char* name;
};
constexpr std::array kPlanKeyNames = {
    PlanKeyName{"embeddings.bits", QT_TRANSLATE_NOOP("PlanKeys", "Bits of the embeddings")},
    PlanKeyName{"lm_head.bits", QT_TRANSLATE_NOOP("PlanKeys", "Bits of the head")},
    PlanKeyName{"calibration.text", QT_TRANSLATE_NOOP("PlanKeys", "Calibration text")},
    PlanKeyName{"calibration.tokens", QT_TRANSLATE_NOOP("PlanKeys", "Calibration tokens")},
    PlanKeyName{"calibration.sequence_length",
                QT_TRANSLATE_NOOP("PlanKeys", "Tokens of a calibration sequence")},
    PlanKeyName{"calibration.seed", QT_TRANSLATE_NOOP("PlanKeys", "Seed of the calibration")},
    PlanKeyName{"caldera.bl", QT_TRANSLATE_NOOP("PlanKeys", "Bits of L")},
    PlanKeyName{"caldera.br", QT_TRANSLATE_NOOP("PlanKeys", "Bits of R")},
    PlanKeyName{"caldera.factor_codec", QT_TRANSLATE_NOOP("PlanKeys", "Codec of L and R")},
    PlanKeyName{"caldera.seed", QT_TRANSLATE_NOOP("PlanKeys", "Seed")},
};

/// What people call a setting; one that nobody has named keeps its key, without its group.
QString planKeyName(const std::string& key) {
    const auto* found = std::find_if(kPlanKeyNames.begin(), kPlanKeyNames.end(),
                                     [&](const PlanKeyName& each) { return key == each.key; });
    if (found != kPlanKeyNames.end()) {
        return QCoreApplication::translate("PlanKeys", found->name);
    }
    const QString rest = QString::fromStdString(key.substr(key.find('.') + 1));
    return QString(rest).replace(u'_', u' ');
}

/// Of a table that has the model already.
void makeDifferenceTable(QTableView& table) {
    makeQuietTable(table);
    table.setTextElideMode(Qt::ElideRight); // reasons are sentences
    table.setWordWrap(true);
    QHeaderView* header = table.horizontalHeader();
    header->setSectionResizeMode(QHeaderView::Interactive);
    header->setStretchLastSection(true);
    header->setTextElideMode(Qt::ElideMiddle); // names of files
    header->resizeSection(DifferenceModel::Name, 184);
    header->resizeSection(DifferenceModel::There, 112);
    header->resizeSection(DifferenceModel::Here, 84);
    header->resizeSection(DifferenceModel::Bytes, 96); // "−768 bytes"
}

} // namespace

DifferencePanel::DifferencePanel(PlanComparison& comparison, QWidget* parent)
    : QWidget(parent), comparison_(comparison), model_(comparison),
      summary_(new ElidedLabel({}, this)), compare_(new QPushButton(tr("Compare with…"), this)),
      end_(new QPushButton(tr("End"), this)), table_(new QTableView(this)) {
    summary_->setTone(Token::Secondary);
    compare_->setToolTip(tr("Open another plan as outlines over this one"));
    end_->setToolTip(tr("Stop comparing"));
    table_->setObjectName(u"differences"_s);
    table_->setAccessibleName(tr("Cells that differ"));
    table_->setModel(&model_);
    makeDifferenceTable(*table_);
    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceSmall);
    line->addWidget(summary_, 1);
    line->addWidget(end_);
    line->addWidget(compare_);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, kSpaceSmall, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addLayout(line);
    layout->addWidget(table_, 1);

    connect(compare_, &QPushButton::clicked, this, &DifferencePanel::compareRequested);
    connect(end_, &QPushButton::clicked, &comparison_, &PlanComparison::end);
    connect(&comparison_, &PlanComparison::changed, this, &DifferencePanel::update);
    connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            [this](const QModelIndex& now) {
                if (now.isValid()) {
                    Q_EMIT cellChosen(model_.at(now.row()).cell);
                }
            });
    connect(table_->horizontalHeader(), &QHeaderView::sectionResized, this, [this](int section) {
        if (section == DifferenceModel::Why) {
            fitRows();
        }
    });
    connect(&model_, &DifferenceModel::modelReset, this, &DifferencePanel::fitRows);
    connect(&model_, &DifferenceModel::dataChanged, this, &DifferencePanel::fitRows);
    update();
}

/// All rows have room for the longest reason, so that none has to be measured by itself.
void DifferencePanel::fitRows() {
    const QFontMetrics metrics(Theme::current().textFont());
    const int width = qMax(1, table_->columnWidth(DifferenceModel::Why) - 2 * kSpaceSmall);
    qsizetype longest = -1;
    QString reason;
    for (const CellDifference& row : comparison_.differences()) {
        if (row.reason.size() > longest) {
            longest = row.reason.size();
            reason = row.reason;
        }
    }
    const QRect room(0, 0, width, kMostLines * metrics.lineSpacing());
    const int height = qMin(metrics.boundingRect(room, Qt::TextWordWrap, reason).height(),
                            kMostLines * metrics.lineSpacing());
    table_->verticalHeader()->setDefaultSectionSize(qMax(kControlHeight - 2, height + kRowPadding));
}

QString DifferencePanel::summary() const {
    return summary_->text();
}

void DifferencePanel::update() {
    const bool active = comparison_.other() != nullptr;
    const auto count = static_cast<int>(comparison_.differences().size());
    end_->setVisible(active);
    const QString cells =
        !active      ? tr("Another plan stands here beside this one once you compare them.")
        : count == 0 ? tr("No cell differs from %1.").arg(comparison_.name())
                     : tr("%n cell(s) differ from %1: %2 in this plan.", nullptr, count)
                           .arg(comparison_.name(), byteChangeText(comparison_.bytes()));
    QStringList lines{cells};
    for (const PlanDifference& other : comparison_.otherSettings()) {
        lines += tr("%1: %2 there, %3 in this plan.")
                     .arg(planKeyName(other.key), QString::fromStdString(other.left),
                          QString::fromStdString(other.right));
    }
    summary_->setText(lines.join(u' '));
}

} // namespace caldera::studio
