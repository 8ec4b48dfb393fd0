#include "widgets/models/value_table_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/text.h"
#include "widgets/support/number_text.h"
#include "widgets/support/table.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

bool isLess(const QVariant& a, const QVariant& b) {
    if (a.typeId() == QMetaType::QString || b.typeId() == QMetaType::QString) {
        return a.toString().localeAwareCompare(b.toString()) < 0;
    }
    return a.toDouble() < b.toDouble();
}

bool isKnown(const QVariant& order) {
    return order.isValid() &&
           !(order.typeId() == QMetaType::Double && std::isnan(order.toDouble()));
}

QVariant fontOf(const TableValue& value, bool isNumber) {
    if (!isNumber && !value.isBold) {
        return {};
    }
    QFont font = isNumber ? Theme::current().numberFont(-1) : Theme::current().textFont();
    font.setBold(value.isBold);
    return font;
}

} // namespace

TableValue textValue(const QString& text, const QString& toolTip) {
    return {text, text.isEmpty() ? QVariant() : QVariant(text), toolTip, {}};
}

TableValue numberValue(double value, int figures) {
    if (std::isnan(value)) {
        return {u"–"_s, {}, ValueTableModel::tr("not measured"), {}};
    }
    const QString exact = QString::fromStdString(numberText(value));
    return {figureText(value, figures), value, exact, exact};
}

TableValue countValue(int64_t value) {
    return {countText(value), static_cast<double>(value), {}, QString::number(value)};
}

ValueTableModel::ValueTableModel(QObject* parent) : QAbstractTableModel(parent) {}

void ValueTableModel::setTable(QList<TableColumn> columns, std::vector<QList<TableValue>> rows) {
    beginResetModel();
    columns_ = std::move(columns);
    rows_ = std::move(rows);
    source_.resize(rows_.size());
    std::iota(source_.begin(), source_.end(), 0);
    endResetModel();
    if (sortColumn_ >= 0) {
        sort(sortColumn_, sortOrder_);
    }
}

const TableValue& ValueTableModel::at(int row, int column) const {
    return rows_[static_cast<size_t>(sourceRow(row))][column];
}

int ValueTableModel::shownRow(int sourceRow) const {
    const auto found = std::find(source_.begin(), source_.end(), sourceRow);
    return found == source_.end() ? -1 : static_cast<int>(found - source_.begin());
}

void ValueTableModel::sort(int column, Qt::SortOrder order) {
    sortColumn_ = column;
    sortOrder_ = order;
    if (column < 0 || column >= columns_.size()) {
        return;
    }
    Q_EMIT layoutAboutToBeChanged();
    const QModelIndexList before = persistentIndexList();
    std::vector<int> sources;
    for (const QModelIndex& index : before) {
        sources.push_back(sourceRow(index.row()));
    }
    std::iota(source_.begin(), source_.end(), 0);
    std::stable_sort(source_.begin(), source_.end(), [&](int a, int b) {
        const QVariant& first = rows_[static_cast<size_t>(a)][column].order;
        const QVariant& second = rows_[static_cast<size_t>(b)][column].order;
        if (!isKnown(first) || !isKnown(second)) {
            return isKnown(first) && !isKnown(second);
        }
        return order == Qt::AscendingOrder ? isLess(first, second) : isLess(second, first);
    });
    QModelIndexList after;
    for (qsizetype at = 0; at < before.size(); ++at) {
        after.append(index(shownRow(sources[static_cast<size_t>(at)]), before[at].column()));
    }
    changePersistentIndexList(before, after);
    Q_EMIT layoutChanged();
}

int ValueTableModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}

int ValueTableModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(columns_.size());
}

QVariant ValueTableModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid()) {
        return {};
    }
    const TableValue& value = at(index.row(), index.column());
    const bool isNumber = columns_[index.column()].isNumber;
    switch (role) {
    case Qt::DisplayRole:
        return value.text;
    case Qt::ToolTipRole:
        return value.toolTip.isEmpty() ? value.text : value.toolTip;
    case Qt::TextAlignmentRole:
        return QVariant::fromValue((isNumber ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    case Qt::FontRole:
        return fontOf(value, isNumber);
    case Qt::ForegroundRole:
        return value.tone ? QVariant(Theme::current().color(*value.tone)) : QVariant();
    case kOrderRole:
        return value.order;
    case Table::kExportRole:
        return !isKnown(value.order)      ? QString()
               : value.exported.isEmpty() ? value.text
                                          : value.exported;
    default:
        return {};
    }
}

QVariant ValueTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= columns_.size()) {
        return {};
    }
    const TableColumn& column = columns_[section];
    switch (role) {
    case Qt::DisplayRole:
        return column.title;
    case Qt::ToolTipRole:
        return column.toolTip;
    case Qt::TextAlignmentRole:
        return QVariant::fromValue((column.isNumber ? Qt::AlignRight : Qt::AlignLeft) |
                                   Qt::AlignVCenter);
    default:
        return {};
    }
}

} // namespace caldera::studio
