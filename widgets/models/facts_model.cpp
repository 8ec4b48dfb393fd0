#include "widgets/models/facts_model.h"

#include "widgets/theme/theme.h"

namespace caldera::studio {

FactsModel::FactsModel(QObject* parent) : QAbstractTableModel(parent) {}

void FactsModel::setFacts(const QList<Fact>& facts) {
    beginResetModel();
    facts_ = facts;
    endResetModel();
}

int FactsModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(facts_.size());
}

int FactsModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : 2;
}

QVariant FactsModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) {
        return {};
    }
    const Fact& fact = facts_[index.row()];
    switch (role) {
    case Qt::DisplayRole:
        return index.column() == 0 ? fact.name : fact.value;
    case Qt::ToolTipRole:
        return fact.toolTip.isEmpty() ? fact.value : fact.toolTip;
    case Qt::ForegroundRole:
        return Theme::current().color(index.column() == 0 ? Token::Secondary : Token::Text);
    case Qt::FontRole:
        return index.column() == 0 ? Theme::current().textFont() : Theme::current().numberFont();
    default:
        return {};
    }
}

QVariant FactsModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) {
        return {};
    }
    return section == 0 ? tr("Fact") : tr("Value");
}

} // namespace caldera::studio
