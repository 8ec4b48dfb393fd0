// The table of modules with a bar for each one's share of the bytes.
#pragma once

#include <QTableView>

#include "widgets/models/module_table_model.h"

namespace caldera::studio {

class ModuleTable : public QTableView {
    Q_OBJECT
public:
    explicit ModuleTable(ModuleTableModel& model, QWidget* parent = nullptr);
    QSize sizeHint() const override;

protected:
    void resizeEvent(QResizeEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    QString csv() const;
};

/// Settings that all tables of the studio share: rows without a grid, one selected row, headings
/// that stay, no numbers at the side.
void makeQuietTable(QTableView& table);

} // namespace caldera::studio
