// Where the bytes go: one row per module of the plan, then embeddings, head and the rest.
#pragma once

#include <QAbstractTableModel>
#include <QColor>

#include <map>
#include <optional>
#include <vector>

#include "core/model/module.h"
#include "core/plan/plan_cells.h"

namespace caldera::studio {

/// One row; absent figures are left blank.
struct ModuleRow {
    QString name;
    QString shape;
    QString settings; ///< "2/64", or "2–3/16–64" when cells differ
    int64_t bytes = 0;
    double share = 0; ///< of all bytes
    std::optional<double> bitsPerWeight;
    std::optional<double> meanValue; ///< of the shown metric
    std::optional<double> worstValue;
    int worstLayer = -1;
    std::optional<Module> module; ///< none for embeddings, head and the rest
};

/// The rows of a plan, whose cells are `cells`, with the values of a metric.
std::vector<ModuleRow> moduleRows(const Plan& plan, const PlanCells& cells,
                                  const std::map<Cell, double>& values);

class ModuleTableModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Name, Shape, Settings, Bpw, Bytes, Share, Mean, Worst };
    static constexpr int kColumnCount = Worst + 1;
    static constexpr int kShareRole = Qt::UserRole + 1;  ///< double, on column Share
    static constexpr int kColorRole = Qt::UserRole + 2;  ///< QColor of the module
    static constexpr int kModuleRole = Qt::UserRole + 3; ///< int, or invalid

    explicit ModuleTableModel(QObject* parent = nullptr);
    void setRows(std::vector<ModuleRow> rows);
    /// What the columns Mean and Worst are of: "KL divergence", "nats" (empty: plain numbers).
    void setMetric(const QString& title, const QString& unit);
    const std::vector<ModuleRow>& rows() const { return rows_; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation,
                        int role = Qt::DisplayRole) const override;

private:
    QString textOf(const ModuleRow& row, int column) const;
    std::vector<ModuleRow> rows_;
    QString metric_; ///< with its unit
};

} // namespace caldera::studio
