#include "widgets/models/difference_model.h"

#include <QLocale>

#include <algorithm>
#include <utility>

#include "widgets/support/cell_text.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

QString codesText(const CellSettings& settings, const std::string& usual) {
    if (settings.skip) {
        return u"16"_s;
    }
    const QString codes =
        QLocale::c().toString(settings.bits, 'g', 3) + u'/' + QString::number(settings.rank);
    return settings.codec == usual ? codes : QString::fromStdString(settings.codec) + u' ' + codes;
}

QString byteChangeText(int64_t bytes) {
    const QString size = sizeText(bytes < 0 ? -bytes : bytes);
    return bytes == 0 ? size : (bytes > 0 ? u"+"_s : u"\u2212"_s) + size;
}

DifferenceModel::DifferenceModel(const PlanComparison& comparison, QObject* parent)
    : QAbstractTableModel(parent), other_(comparison.name()), rows_(comparison.differences()),
      isExplained_(comparison.isExplained()) {
    connect(&comparison, &PlanComparison::changed, this, [this, &comparison] { take(comparison); });
}

void DifferenceModel::take(const PlanComparison& comparison) {
    const std::vector<CellDifference>& rows = comparison.differences();
    isExplained_ = comparison.isExplained();
    if (other_ != comparison.name()) {
        other_ = comparison.name();
        Q_EMIT headerDataChanged(Qt::Horizontal, There, There);
    }
    const bool sameCells =
        std::equal(rows.begin(), rows.end(), rows_.begin(), rows_.end(),
                   [](const auto& a, const auto& b) { return a.cell == b.cell; });
    if (!sameCells) {
        beginResetModel();
        rows_ = rows;
        endResetModel();
    } else if (rows != rows_) {
        tellChanged(std::exchange(rows_, rows));
    }
}

/// Of the same cells, only the rows between the first and the last that changed are drawn again.
void DifferenceModel::tellChanged(const std::vector<CellDifference>& before) {
    const auto first = std::mismatch(rows_.begin(), rows_.end(), before.begin()).first;
    const auto last = std::mismatch(rows_.rbegin(), rows_.rend(), before.rbegin()).first;
    Q_EMIT dataChanged(index(static_cast<int>(first - rows_.begin()), 0),
                       index(static_cast<int>(last.base() - rows_.begin()) - 1, kColumnCount - 1));
}

int DifferenceModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}

int DifferenceModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : kColumnCount;
}

QVariant DifferenceModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) {
        return {};
    }
    const CellDifference& row = at(index.row());
    // A codec is named where it is what differs.
    const std::string usual = row.there.codec == row.here.codec ? row.here.codec : std::string();
    if (role == Qt::DisplayRole || role == Qt::ToolTipRole) {
        switch (index.column()) {
        case Name:
            return role == Qt::ToolTipRole ? QString::fromStdString(cellName(row.cell))
                                           : cellHeading(row.cell);
        case There:
            return codesText(row.there, usual);
        case Here:
            return codesText(row.here, usual);
        case Bytes:
            return role == Qt::ToolTipRole ? tr("%1 bytes").arg(countText(row.bytes))
                                           : byteChangeText(row.bytes);
        case Why:
            return row.reason.isEmpty() && isExplained_ ? tr("by hand") : row.reason;
        default:
            return {};
        }
    }
    if (role == Qt::TextAlignmentRole) {
        const bool left = index.column() == Name || index.column() == Why;
        return QVariant::fromValue(
            Qt::Alignment(Qt::AlignVCenter | (left ? Qt::AlignLeft : Qt::AlignRight)));
    }
    if (role == Qt::FontRole) {
        return index.column() == Why ? Theme::current().textFont() : Theme::current().numberFont();
    }
    return {};
}

QVariant DifferenceModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) {
        return {};
    }
    if (role == Qt::TextAlignmentRole) {
        const bool left = section == Name || section == Why;
        return QVariant::fromValue(
            Qt::Alignment(Qt::AlignVCenter | (left ? Qt::AlignLeft : Qt::AlignRight)));
    }
    if (role != Qt::DisplayRole && role != Qt::ToolTipRole) {
        return {};
    }
    switch (section) {
    case Name:
        return tr("Cell");
    case There:
        return other_.isEmpty() ? tr("other plan") : other_;
    case Here:
        return tr("this plan");
    case Bytes:
        return tr("Size change");
    case Why:
        return tr("Why");
    default:
        return {};
    }
}

} // namespace caldera::studio
