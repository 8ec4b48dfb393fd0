// A table of values that sorts by their numbers, not by their texts.
#pragma once

#include <QAbstractTableModel>
#include <QList>
#include <QString>
#include <QVariant>

#include <optional>
#include <vector>

#include "widgets/theme/theme.h"

namespace caldera::studio {

struct TableColumn {
    QString title;
    QString toolTip;
    bool isNumber = true; ///< stands to the right, in figures of equal width
};

struct TableValue {
    QString text;
    QVariant order; ///< double or text; invalid: nothing is known, which sorts last
    QString toolTip;
    QString exported;               ///< in files: the exact number; empty: the text
    std::optional<Token> tone = {}; ///< of the text; nothing: the table's
    bool isBold = false;
};

/// Text, empty sorts last.
TableValue textValue(const QString& text, const QString& toolTip = {});
/// A figure and its exact value in the tooltip; NaN shows as a dash and sorts last.
TableValue numberValue(double value, int figures = 4);
/// A whole number with thin spaces.
TableValue countValue(int64_t value);

class ValueTableModel : public QAbstractTableModel {
    Q_OBJECT
public:
    static constexpr int kOrderRole = Qt::UserRole + 1;

    explicit ValueTableModel(QObject* parent = nullptr);

    /// All rows are as long as `columns`.
    void setTable(QList<TableColumn> columns, std::vector<QList<TableValue>> rows);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation,
                        int role = Qt::DisplayRole) const override;
    /// By kOrderRole; equal rows keep their order, unknown values stay last either way.
    void sort(int column, Qt::SortOrder order = Qt::AscendingOrder) override;
    /// The number that the row had in setTable().
    int sourceRow(int row) const { return source_[static_cast<size_t>(row)]; }
    /// Where that row is shown now; -1: there is none.
    int shownRow(int sourceRow) const;

private:
    const TableValue& at(int row, int column) const;

    QList<TableColumn> columns_;
    std::vector<QList<TableValue>> rows_;
    std::vector<int> source_; ///< of the shown rows
    int sortColumn_ = -1;
    Qt::SortOrder sortOrder_ = Qt::AscendingOrder;
};

} // namespace caldera::studio
