// What differs from another plan: how many cells, how many bytes, each of them with its reason.
#pragma once

#include <QWidget>

#include "widgets/models/difference_model.h"

class QPushButton;
class QTableView;

namespace caldera::studio {

class ElidedLabel;

class DifferencePanel : public QWidget {
    Q_OBJECT
public:
    explicit DifferencePanel(PlanComparison& comparison, QWidget* parent = nullptr);
    QTableView* table() const { return table_; }
    QString summary() const;

Q_SIGNALS:
    /// A row was chosen.
    void cellChosen(const caldera::Cell& cell);
    void compareRequested();

private:
    void update();
    void fitRows();

    PlanComparison& comparison_;
    DifferenceModel model_;
    ElidedLabel* summary_;
    QPushButton* compare_;
    QPushButton* end_;
    QTableView* table_;
};

} // namespace caldera::studio
