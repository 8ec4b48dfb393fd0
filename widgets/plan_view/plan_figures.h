// The figures that a plan stands for, each with how it came about.
#pragma once

#include <QList>
#include <QString>

#include "widgets/plan_view/truth_bar.h"

namespace caldera {
struct AllocationTarget;
}

namespace caldera::studio {

class PlanSolver;
class Session;

/// Size, GPU memory, bits per weight, KL divergence, speed and time: those that can be told.
QList<TruthFigure> planFigures(const Session& session, const PlanSolver& solver);

/// How far the plan is from the budget, in the budget's own unit.
struct BudgetState {
    bool over = false;
    QString text; ///< "0.42 GiB left", "1.2 GiB over"
};
BudgetState budgetState(const Session& session, const PlanSolver& solver);

/// What the plan has now of what a target limits, in the unit of AllocationTarget::value. 0 when it
/// cannot be told.
double presentAmount(const Session& session, const PlanSolver& solver,
                     const AllocationTarget& target);

/// In which unit sizes like this one are given.
struct SizeUnit {
    double bytes = 1;
    QString name; ///< "GB"
};
SizeUnit sizeUnitFor(double bytes);

inline constexpr double kGigabyte = 1e9;
inline constexpr double kGibibyte = 1 << 30;

} // namespace caldera::studio
