#include "widgets/model_view/facts_page.h"

#include <QHeaderView>
#include <QLabel>
#include <QSortFilterProxyModel>
#include <QTableView>
#include <QVBoxLayout>

#include "widgets/model_view/fact_sections.h"
#include "widgets/support/labels.h"
#include "widgets/support/table.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

FactsPage::FactsPage(QWidget* parent)
    : QWidget(parent), title_(titleLabel(QString(), this)),
      kind_(new ToneLabel(QString(), Token::Secondary, this)), path_(new ElidedLabel({}, this)),
      remark_(new ToneLabel(QString(), Token::Secondary, this)), sections_(new FactGrid(this)),
      tensorSection_(new QWidget(this)), tensorTable_(new QTableView(this)) {
    title_->setProperty("isData", true);
    title_->setObjectName(u"modelTitle"_s);
    path_->setFont(Theme::current().numberFont(-1));
    path_->setTone(Token::Secondary);
    remark_->setWordWrap(true);
    auto* sorted = new QSortFilterProxyModel(this);
    sorted->setSourceModel(&tensors_);
    sorted->setSortRole(TensorTableModel::kSortRole);
    tensorTable_->setModel(sorted);
    tensorTable_->setAccessibleName(tr("Tensors of the model"));
    makeQuietTable(*tensorTable_);
    tensorTable_->setSortingEnabled(true);
    tensorTable_->sortByColumn(-1, Qt::AscendingOrder);
    auto* columns = tensorTable_->horizontalHeader();
    columns->setSectionResizeMode(QHeaderView::Interactive);
    columns->setSectionResizeMode(TensorTableModel::Name, QHeaderView::Stretch);

    auto* tensorLayout = new QVBoxLayout(tensorSection_);
    tensorLayout->setContentsMargins(0, 0, 0, 0);
    tensorLayout->setSpacing(kSpaceSmall);
    tensorLayout->addWidget(new Separator(Qt::Horizontal, tensorSection_));
    tensorTitle_ = sectionLabel({}, tensorSection_);
    tensorLayout->addWidget(tensorTitle_);
    tensorLayout->addWidget(tensorTable_, 1);

    auto* head = new QHBoxLayout;
    head->setSpacing(kSpaceMedium);
    head->addWidget(title_, 0, Qt::AlignBaseline);
    head->addWidget(kind_, 1, Qt::AlignBaseline);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceMedium, kSpaceHuge, 0);
    layout->setSpacing(kSpaceMedium);
    layout->addLayout(head);
    layout->addWidget(path_);
    layout->addWidget(new Separator(Qt::Horizontal, this));
    layout->addWidget(sections_);
    layout->addWidget(remark_);
    layout->addWidget(tensorSection_, 1);
}

void FactsPage::showFacts(const OpenFacts& facts) {
    title_->setText(facts.name);
    const bool artifact = facts.kind == OpenKind::Artifact;
    kind_->setText(artifact ? tr("compressed model") : tr("model"));
    tensorTitle_->setText(artifact ? tr("Matrices") : tr("Tensors"));
    path_->setText(facts.path);
    remark_->setText(remarkOn(facts));
    remark_->setVisible(!remark_->text().isEmpty());
    sections_->setSections(factSections(facts));
    tensors_.setTensors(facts.tensors);
    for (const int column :
         {TensorTableModel::Shape, TensorTableModel::Type, TensorTableModel::Bytes}) {
        tensorTable_->resizeColumnToContents(column); // the names take what is left
    }
    tensorSection_->setVisible(!facts.tensors.empty());
}

} // namespace caldera::studio
