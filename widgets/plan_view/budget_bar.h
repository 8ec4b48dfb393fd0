// The budget: what the plan has to keep to, whether it does, and the solver's buttons.
#pragma once

#include <QWidget>

#include "widgets/plan_view/plan_figures.h"

class QComboBox;
class QDoubleSpinBox;
class QPushButton;

namespace caldera::studio {

class PlanSolver;
class Session;
class ToneLabel;

class BudgetBar : public QWidget {
    Q_OBJECT
public:
    BudgetBar(Session& session, PlanSolver& solver, QWidget* parent = nullptr);

    QComboBox* kindBox() const { return kind_; }
    QDoubleSpinBox* amountBox() const { return amount_; }
    QComboBox* contextBox() const { return context_; }
    QPushButton* solveButton() const { return solve_; }
    QPushButton* healButton() const { return heal_; }
    QString stateText() const;
    /// Limits the size, in bytes.
    void setSize(double bytes);
    /// Another model is open: the budget that was chosen for it, else what the plan has now.
    void begin();
    /// How far the plan is from the budget.
    void showState();

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void makeFields();
    SizeUnit sizeUnit() const;
    void showUnit();
    void showContexts();
    /// The amount becomes what the plan has now.
    void takePresent();
    void changeKind();
    void chooseKind();
    void chooseAmount();
    void tellTarget();

    Session& session_;
    PlanSolver& solver_;
    QComboBox* kind_;
    QDoubleSpinBox* amount_;
    QComboBox* context_;
    QComboBox* cache_;
    QPushButton* solve_;
    QPushButton* heal_;
    ToneLabel* state_;
};

} // namespace caldera::studio
