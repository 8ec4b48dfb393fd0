// The tensors of a model as a table.
#pragma once

#include <QAbstractTableModel>

#include <vector>

#include "core/model/weight_source.h"

namespace caldera::studio {

class TensorTableModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Name, Shape, Type, Bytes };
    static constexpr int kColumnCount = Bytes + 1;
    /// Raw values to sort by.
    static constexpr int kSortRole = Qt::UserRole + 1;

    explicit TensorTableModel(QObject* parent = nullptr);
    void setTensors(std::vector<TensorInfo> tensors);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation,
                        int role = Qt::DisplayRole) const override;

private:
    QVariant textOf(const TensorInfo& tensor, int column) const;
    std::vector<TensorInfo> tensors_;
};

} // namespace caldera::studio
