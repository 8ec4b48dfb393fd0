// The best plans of all sizes as a curve: what more bytes would buy.
#pragma once

#include <QWidget>

#include <vector>

#include "core/allocation/allocation.h"
#include "widgets/plan_view/plan_figures.h"

class QPushButton;

namespace caldera::studio {

class Plot;
class PlanSolver;
class Session;
class ElidedLabel;

/// A click on the curve solves for the size there.
class FrontPanel : public QWidget {
    Q_OBJECT
public:
    FrontPanel(Session& session, PlanSolver& solver, QWidget* parent = nullptr);
    Plot* plot() const { return plot_; }
    /// Moves the mark of the plan that is edited.
    void showPlan();

Q_SIGNALS:
    /// A size in bytes was chosen.
    void sizeChosen(double bytes);

protected:
    void showEvent(QShowEvent* event) override;

private:
    void showFront(const std::vector<FrontPoint>& points);
    void update();

    Session& session_;
    PlanSolver& solver_;
    Plot* plot_;
    ElidedLabel* sentence_;
    QPushButton* find_;
    std::vector<FrontPoint> points_;
    SizeUnit unit_;
};

} // namespace caldera::studio
