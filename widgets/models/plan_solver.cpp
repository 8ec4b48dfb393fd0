#include "widgets/models/plan_solver.h"

#include <QFuture>
#include <QtConcurrentRun>

#include <exception>
#include <map>
#include <utility>
#include <variant>

#include "core/base/error.h"
#include "widgets/models/plan_comparison.h"
#include "widgets/models/session.h"
#include "widgets/support/number_text.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kFrontPoints = 60;

std::map<Cell, QString> reasonsOf(const Allocation& allocation, int cellCount) {
    const auto sizeWords = [](uint64_t bytes) {
        return sizeText(static_cast<int64_t>(bytes)).toStdString();
    };
    std::map<Cell, QString> reasons;
    for (const AllocationChange& change : allocation.changes) {
        if (const Cell* cell = std::get_if<Cell>(&change.what)) {
            reasons[*cell] = QString::fromStdString(reasonText(change, cellCount, sizeWords));
        }
    }
    return reasons;
}

} // namespace

PlanSolver::PlanSolver(Session& session, PlanComparison& comparison, QObject* parent)
    : QObject(parent), session_(session), comparison_(comparison) {
    pool_.setMaxThreadCount(1);
    connect(&session_, &Session::metricsChanged, this, &PlanSolver::takeMeasurements);
    connect(&session_.plan(), &PlanDocument::aboutToReset, this, &PlanSolver::forget);
}

PlanSolver::~PlanSolver() {
    cancel();
    pool_.waitForDone();
}

void PlanSolver::setTarget(const AllocationTarget& target) {
    target_ = target;
    Q_EMIT targetChanged();
}

/// What was measured of one model says nothing of the next.
void PlanSolver::forget() {
    cancel();
    measured_.reset();
    losses_.reset();
    unusable_.reset();
}

void PlanSolver::takeMeasurements() {
    const std::shared_ptr<const Report> report = session_.fidelity();
    if (report == measured_) {
        return;
    }
    cancel(); // what is at work answers for the former measurements
    measured_ = report;
    losses_.reset();
    unusable_.reset();
    if (report && !session_.plan().empty()) {
        try {
            losses_ = std::make_shared<const LossModel>(*report, session_.plan().config());
        } catch (const Error& error) {
            if (error.code() != "allocation.options") { // other metrics alone: not measured
                unusable_ = describeFailure(error);
            }
        }
    }
    Q_EMIT lossesChanged();
}

Failure PlanSolver::missing() const {
    return unusable_.value_or(Failure{tr("Measure the model first: the solver has to know every "
                                         "cell's error at several bits."),
                                      u"studio.not-measured"_s});
}

AllocationProblem PlanSolver::problem() const {
    AllocationProblem problem;
    problem.plan = session_.plan().plan();
    problem.config = session_.plan().config();
    problem.losses = losses_;
    problem.target = target_;
    return problem;
}

std::vector<Cell> PlanSolver::touchedCells() const {
    const PlanCells before(session_.plan().given(), session_.plan().config());
    std::vector<Cell> touched;
    for (const Cell cell : allCells(before.layerCount())) {
        if (!sameCodes(before.settingsOf(cell), session_.plan().settingsOf(cell))) {
            touched.push_back(cell);
        }
    }
    return touched;
}

void PlanSolver::start(const AllocationProblem& problem, Work work, Done done) {
    if (busy()) {
        return;
    }
    if (!losses_) {
        Q_EMIT failed(missing());
        return;
    }
    stop_.emplace();
    Q_EMIT busyChanged(true);
    QtConcurrent::run(&pool_, [problem, work = std::move(work), stop = stop_->get_token()] {
        Outcome outcome;
        try {
            work(outcome, problem, stop);
        } catch (const Cancelled&) {
            outcome.cancelled = true;
        } catch (const std::exception& error) {
            outcome.failure = describeFailure(error);
        }
        return outcome;
    }).then(this, [this, done = std::move(done)](const Outcome& outcome) {
        const bool unwanted = outcome.cancelled || stop_->stop_requested();
        stop_.reset();
        Q_EMIT busyChanged(false);
        if (unwanted) {
            return;
        }
        if (outcome.failure) {
            Q_EMIT failed(*outcome.failure);
        } else {
            done(outcome);
        }
    });
}

void PlanSolver::solve() {
    const AllocationProblem asked = problem();
    start(
        asked,
        [](Outcome& outcome, const AllocationProblem& problem, const std::stop_token& stop) {
            outcome.allocation = std::make_shared<const Allocation>(caldera::solve(problem, stop));
        },
        [this, before = asked.plan](const Outcome& outcome) {
            take(tr("Solve for the budget"), before, *outcome.allocation);
        });
}

void PlanSolver::heal() {
    AllocationProblem asked = problem();
    asked.kept = touchedCells();
    start(
        asked,
        [](Outcome& outcome, const AllocationProblem& problem, const std::stop_token& stop) {
            outcome.allocation = std::make_shared<const Allocation>(caldera::heal(problem, stop));
        },
        [this, before = asked.plan](const Outcome& outcome) {
            take(tr("Heal"), before, *outcome.allocation);
        });
}

void PlanSolver::take(const QString& name, const Plan& before, const Allocation& allocation) {
    PlanDocument& plan = session_.plan();
    if (!(plan.plan() == before)) {
        Q_EMIT solved(tr("The plan changed while it was being solved; solve it again."));
        return;
    }
    const auto cells = static_cast<int>(plan.config().cellCount());
    plan.takeSolved(name, allocation.plan);
    comparison_.begin(tr("the plan before"), before, reasonsOf(allocation, cells));
    const auto changes = static_cast<int>(allocation.changes.size());
    const bool isPredicted = losses_ && losses_->hasSensitivities();
    const QString sentence =
        isPredicted
            ? tr("%n cell(s) or tables changed: %1 bits per weight, predicted KL %2 instead of %3.",
                 nullptr, changes)
            : tr("%n cell(s) or tables changed: %1 bits per weight, estimated KL %2 instead of %3.",
                 nullptr, changes);
    Q_EMIT solved(sentence.arg(figureText(allocation.size.bitsPerWeight),
                               figureText(allocation.predictedKl),
                               figureText(allocation.klBefore)));
}

void PlanSolver::findFront() {
    start(
        problem(),
        [](Outcome& outcome, const AllocationProblem& problem, const std::stop_token& stop) {
            outcome.front = paretoFront(problem, kFrontPoints, stop);
        },
        [this](const Outcome& outcome) { Q_EMIT frontFound(outcome.front); });
}

void PlanSolver::cancel() {
    if (stop_) {
        stop_->request_stop();
    }
}

} // namespace caldera::studio
