// The table of modules with a bar for each one's share of the bytes.
#pragma once

#include "widgets/models/module_table_model.h"
#include "widgets/support/table.h"

namespace caldera::studio {

class ModuleTable : public Table {
    Q_OBJECT
public:
    explicit ModuleTable(ModuleTableModel& model, QWidget* parent = nullptr);
    QSize sizeHint() const override;

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    int neededWidth(int column) const;
    void fitColumns();

    int fittedRows_ = 0;
};

} // namespace caldera::studio
