// The budget solver beside the plan that is edited: what it was told, what it may use, its results.
#pragma once

#include <QObject>
#include <QString>
#include <QThreadPool>

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "core/allocation/allocation.h"
#include "widgets/support/failure.h"

namespace caldera::studio {

class PlanComparison;
class Session;

/// Solves on a thread of its own. A result becomes one step of the plan, and the plan before it
/// stands beside it, with a reason for every cell that changed.
class PlanSolver : public QObject {
    Q_OBJECT
public:
    PlanSolver(Session& session, PlanComparison& comparison, QObject* parent = nullptr);
    /// Cancels what is at work.
    ~PlanSolver() override;

    /// What predicts losses; null while the model's errors at several bits are not measured.
    const std::shared_ptr<const LossModel>& losses() const { return losses_; }
    /// Why there is none: nothing was measured, or what was measured cannot be used.
    Failure missing() const;
    const AllocationTarget& target() const { return target_; }
    void setTarget(const AllocationTarget& target);
    bool busy() const { return stop_.has_value(); }

    /// The best plan within the target.
    void solve();
    /// Lets the cells that nobody touched since the last solution pay for those that were.
    void heal();
    /// Ends with frontFound().
    void findFront();
    void cancel();

Q_SIGNALS:
    void lossesChanged();
    void targetChanged();
    void busyChanged(bool busy);
    /// A plan was found, and is shown.
    void solved(const QString& sentence);
    void frontFound(const std::vector<caldera::FrontPoint>& points);
    void failed(const caldera::studio::Failure& failure);

private:
    struct Outcome {
        std::shared_ptr<const Allocation> allocation;
        std::vector<FrontPoint> front;
        bool cancelled = false;
        std::optional<Failure> failure;
    };
    using Work = std::function<void(Outcome&, const AllocationProblem&, const std::stop_token&)>;
    using Done = std::function<void(const Outcome&)>;

    void forget();
    void takeMeasurements();
    AllocationProblem problem() const;
    std::vector<Cell> touchedCells() const;
    void start(const AllocationProblem& problem, Work work, Done done);
    void take(const QString& name, const Plan& before, const Allocation& allocation);

    Session& session_;
    PlanComparison& comparison_;
    AllocationTarget target_;
    std::optional<std::shared_ptr<const Report>> measured_; ///< that losses_ come from
    std::shared_ptr<const LossModel> losses_;
    std::optional<Failure> unusable_; ///< what is wrong with measured_
    std::optional<std::stop_source> stop_;
    QThreadPool pool_;
};

} // namespace caldera::studio
