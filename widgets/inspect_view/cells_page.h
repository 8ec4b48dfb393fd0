// The page of Inspect with settings, errors and times of every cell.
#pragma once

#include "widgets/inspect_view/inspect_page.h"
#include "widgets/models/value_table_model.h"

namespace caldera::studio {

class Table;

/// A table of cells; choosing a row chooses the cell, and the chosen cell's row is selected.
class CellTable : public QWidget {
    Q_OBJECT
public:
    explicit CellTable(const QString& name, QWidget* parent = nullptr);
    /// `cells` are what the rows are about.
    void setTable(const QList<TableColumn>& columns, std::vector<QList<TableValue>> rows,
                  std::vector<Cell> cells);
    void select(Cell cell);
    Table* table() const { return table_; }
    ValueTableModel& model() { return model_; }

Q_SIGNALS:
    void cellChosen(const caldera::Cell& cell);

private:
    ValueTableModel model_;
    std::vector<Cell> cells_;
    Table* table_;
    bool selecting_ = false;
};

class CellsPage : public InspectPage {
    Q_OBJECT
public:
    explicit CellsPage(QWidget* parent = nullptr);
    void look(const InspectFocus& focus) override;
    bool hasDataOf(const InspectFocus& focus) const override { return focus.report != nullptr; }
    CellTable* cells() const { return cells_; }

private:
    std::shared_ptr<const Report> shown_;
    CellTable* cells_;
};

} // namespace caldera::studio
