// The cells in which two plans differ, as a table.
#pragma once

#include <QAbstractTableModel>

#include <vector>

#include "widgets/models/plan_comparison.h"

namespace caldera::studio {

class DifferenceModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Name, There, Here, Bytes, Why };
    static constexpr int kColumnCount = Why + 1;

    explicit DifferenceModel(const PlanComparison& comparison, QObject* parent = nullptr);
    const CellDifference& at(int row) const { return rows_.at(static_cast<size_t>(row)); }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation,
                        int role = Qt::DisplayRole) const override;

private:
    void take(const PlanComparison& comparison);
    void tellChanged(const std::vector<CellDifference>& before);

    QString other_; ///< what people call the other plan
    std::vector<CellDifference> rows_;
    bool isExplained_ = false;
};

/// "3/64", "16" of a kept cell; the codec stands before it where it is not `usual`.
QString codesText(const CellSettings& settings, const std::string& usual);
/// "+1.2 kB", "−340 bytes".
QString byteChangeText(int64_t bytes);

} // namespace caldera::studio
