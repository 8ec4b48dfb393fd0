#include "widgets/models/tensor_table_model.h"

#include <utility>

#include "widgets/support/number_text.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

TensorTableModel::TensorTableModel(QObject* parent) : QAbstractTableModel(parent) {}

void TensorTableModel::setTensors(std::vector<TensorInfo> tensors) {
    beginResetModel();
    tensors_ = std::move(tensors);
    endResetModel();
}

int TensorTableModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(tensors_.size());
}

int TensorTableModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : kColumnCount;
}

QVariant TensorTableModel::textOf(const TensorInfo& tensor, int column) const {
    switch (column) {
    case Name:
        return QString::fromStdString(tensor.name);
    case Shape: {
        QStringList sizes;
        for (const int64_t size : tensor.shape) {
            sizes += countText(size);
        }
        return sizes.join(u' ' + QString(QChar(kTimes)) + u' ');
    }
    case Type:
        return QString::fromStdString(tensor.dtype);
    default:
        return sizeText(static_cast<int64_t>(tensor.bytes));
    }
}

QVariant TensorTableModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) {
        return {};
    }
    const TensorInfo& tensor = tensors_[static_cast<size_t>(index.row())];
    switch (role) {
    case Qt::DisplayRole:
        return textOf(tensor, index.column());
    case Qt::ToolTipRole:
        return index.column() == Bytes
                   ? tr("%1 bytes").arg(countText(static_cast<int64_t>(tensor.bytes)))
                   : textOf(tensor, index.column());
    case kSortRole:
        return index.column() == Bytes ? QVariant(static_cast<qulonglong>(tensor.bytes))
                                       : textOf(tensor, index.column());
    case Qt::TextAlignmentRole:
        return QVariant::fromValue(Qt::Alignment(
            Qt::AlignVCenter |
            (index.column() == Bytes || index.column() == Shape ? Qt::AlignRight : Qt::AlignLeft)));
    case Qt::FontRole:
        return Theme::current().numberFont();
    default:
        return {};
    }
}

QVariant TensorTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) {
        return {};
    }
    if (role == Qt::TextAlignmentRole) {
        return QVariant::fromValue(
            Qt::Alignment(Qt::AlignVCenter |
                          (section == Bytes || section == Shape ? Qt::AlignRight : Qt::AlignLeft)));
    }
    if (role != Qt::DisplayRole) {
        return {};
    }
    switch (section) {
    case Name:
        return tr("Tensor");
    case Shape:
        return tr("Shape");
    case Type:
        return tr("Type");
    case Bytes:
        return tr("Size");
    default:
        return {};
    }
}

} // namespace caldera::studio
