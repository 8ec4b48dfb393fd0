#include "widgets/plan_view/difference_panel.h"

#include <QHeaderView>
#include <QPushButton>
#include <QTableView>
#include <QVBoxLayout>

#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/support/table.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

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
    makeQuietTable(*table_);
    table_->setTextElideMode(Qt::ElideRight); // reasons are sentences
    QHeaderView* header = table_->horizontalHeader();
    header->setSectionResizeMode(QHeaderView::Interactive);
    header->setStretchLastSection(true);
    header->resizeSection(DifferenceModel::Name, 270);
    header->resizeSection(DifferenceModel::There, 84);
    header->resizeSection(DifferenceModel::Here, 84);
    header->resizeSection(DifferenceModel::Bytes, 108); // "−768 bytes"
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
    update();
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
                     : tr("%n cell(s) differ from %1: %2 here.", nullptr, count)
                           .arg(comparison_.name(), byteChangeText(comparison_.bytes()));
    QStringList lines{cells};
    for (const PlanDifference& other : comparison_.otherSettings()) {
        lines += tr("%1: %2 there, %3 here.")
                     .arg(QString::fromStdString(other.key), QString::fromStdString(other.left),
                          QString::fromStdString(other.right));
    }
    summary_->setText(lines.join(u' '));
}

} // namespace caldera::studio
