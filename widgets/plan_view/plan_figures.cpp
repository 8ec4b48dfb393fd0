#include "widgets/plan_view/plan_figures.h"

#include <QCoreApplication>
#include <QLocale>

#include <cmath>

#include "core/plan/gpu_memory.h"
#include "core/plan/time_estimate.h"
#include "core/report/standard_error.h"
#include "widgets/models/plan_solver.h"
#include "widgets/models/session.h"
#include "widgets/support/number_text.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

using Kind = AllocationTarget::Kind;

struct PlanFigures {
    Q_DECLARE_TR_FUNCTIONS(PlanFigures)
};

GpuLoad loadOf(const AllocationTarget& target) {
    return {.contextLength = target.contextLength};
}

/// "predicted, 8k tokens".
QString predictedAt(const AllocationTarget& target) {
    const int tokens = target.contextLength;
    return tokens % 1024 == 0 ? PlanFigures::tr("predicted, %1k tokens").arg(tokens / 1024)
                              : PlanFigures::tr("predicted, %1 tokens").arg(tokens);
}

TruthFigure diskFigure(const PlanDocument& plan) {
    const PlanSize& size = plan.size();
    const double original = static_cast<double>(plan.config().parameterCount()) * 2;
    return {
        u"bytes"_s,
        PlanFigures::tr("weights"),
        sizeText(size.total()),
        PlanFigures::tr("exact"),
        static_cast<double>(size.total()),
        PlanFigures::tr(
            "%1 bytes of weights, %2 % of 16-bit weights: cells %3, embeddings and head %4, norms "
            "and biases %5. Tokenizer, manifest and report lie beside them and are not counted.")
            .arg(countText(size.total()),
                 figureText(static_cast<double>(size.total()) / original * 100),
                 countText(size.cellBytes), countText(size.embeddingBytes),
                 countText(size.otherBytes))};
}

GpuMemory memoryOf(const PlanDocument& plan, const AllocationTarget& target) {
    return gpuMemory(plan.plan(), plan.cells(), plan.config(), loadOf(target), target.cacheBits);
}

TruthFigure memoryFigure(const PlanDocument& plan, const AllocationTarget& target) {
    const GpuMemory memory = memoryOf(plan, target);
    return {u"gpu"_s,
            PlanFigures::tr("GPU memory"),
            memoryText(memory.total()),
            predictedAt(target),
            static_cast<double>(memory.total()),
            PlanFigures::tr(
                "What an engine asks a GPU for with %1 tokens of context: weights %2, keys and "
                "values %3 (%4 bits), workspace %5. The driver's own memory is not in it.")
                .arg(target.contextLength)
                .arg(memoryText(memory.weightBytes), memoryText(memory.cacheBytes))
                .arg(target.cacheBits)
                .arg(memoryText(memory.workspaceBytes))};
}

double tokensPerSecond(const PlanDocument& plan, const AllocationTarget& target) {
    return target.speed.tokensPerSecond(
        gpuStepBytes(plan.plan(), plan.cells(), plan.config(), loadOf(target), target.cacheBits),
        plan.config().layerCount);
}

TruthFigure speedFigure(const PlanDocument& plan, const AllocationTarget& target) {
    const double speed = tokensPerSecond(plan, target);
    return {u"speed"_s,
            PlanFigures::tr("tokens/s"),
            figureText(speed, 2),
            PlanFigures::tr("estimated, RTX 3090"),
            speed,
            PlanFigures::tr(
                "One chat at the end of its context on a GPU that reads %1 GB a second (an RTX "
                "3090): bytes of a step over that, and %2 µs a layer")
                .arg(figureText(target.speed.bytesPerSecond / kGigabyte),
                     figureText(target.speed.layerSeconds * 1e6)),
            true};
}

/// Measured on the artifact that is open, while its plan is the one that is shown.
const EvaluationRecord* measuredKl(const Session& session) {
    const bool asMade = session.facts() && session.facts()->kind == OpenKind::Artifact &&
                        session.plan().plan() == session.facts()->plan;
    for (const EvaluationRecord& record : session.evaluations()) {
        if (asMade && record.numbers.contains("kl_mean")) {
            return &record;
        }
    }
    return nullptr;
}

/// "0.00276 ±0.00023", half of the interval that holds 95 %; without it when it is not known.
QString withSpread(double kl, double standardError) {
    return standardError > 0
               ? figureText(kl) + u" \u00b1"_s + figureText(kStandardErrors95 * standardError, 2)
               : figureText(kl);
}

QString intervalText(double kl, double standardError) {
    const Interval interval = interval95(kl, standardError);
    return standardError > 0
               ? u'\n' + PlanFigures::tr("95 %: %1 to %2, by the spread over the text's tokens")
                             .arg(figureText(interval.low), figureText(interval.high))
               : QString();
}

/// One standard error of an evaluation's divergence, 0 where it has no interval.
double measuredSpread(const EvaluationRecord& record) {
    const auto low = record.numbers.find("kl_mean_low");
    const auto high = record.numbers.find("kl_mean_high");
    return low != record.numbers.end() && high != record.numbers.end()
               ? (high->second - low->second) / (2 * kStandardErrors95)
               : 0;
}

/// "12 of 560 cells rest on interpolation.", on a line of its own.
QString interpolatedText(const LossModel& losses, const PlanCells& cells) {
    const int count = losses.interpolatedCells(cells);
    return count == 0
               ? QString()
               : u'\n' + PlanFigures::tr("%n of %1 cell(s) rest on interpolation.", nullptr, count)
                             .arg(cells.config().cellCount());
}

void addLoss(QList<TruthFigure>& figures, const Session& session, const PlanSolver& solver) {
    if (const EvaluationRecord* record = measuredKl(session)) {
        const double kl = record->numbers.at("kl_mean");
        const double spread = measuredSpread(*record);
        figures.append({u"kl"_s, PlanFigures::tr("KL divergence, nats"), withSpread(kl, spread),
                        PlanFigures::tr("measured"), kl,
                        PlanFigures::tr("Mean over %1, in nats, of the artifact that is open")
                                .arg(QString::fromStdString(record->name)) +
                            intervalText(kl, spread)});
        return;
    }
    if (!solver.losses()) {
        return;
    }
    const PlanDocument& plan = session.plan();
    const double kl = solver.losses()->planLoss(plan.plan(), plan.cells());
    const double spread = kl * solver.losses()->relativeDeviation();
    const bool measured = solver.losses()->hasSensitivities();
    const QString meaning =
        measured
            ? PlanFigures::tr(
                  "In nats, for text like the one that was measured on: what each cell's error "
                  "costs, summed over all cells. On another kind of text all plans can be off by "
                  "the same factor; their order holds.") +
                  intervalText(kl, spread) + interpolatedText(*solver.losses(), plan.cells())
            : PlanFigures::tr("In nats, but only as an order: how much each cell's error costs is "
                              "assumed to be as in most models. Measure to know it.");
    figures.append({u"kl"_s, PlanFigures::tr("KL divergence, nats"), withSpread(kl, spread),
                    measured ? PlanFigures::tr("predicted") : PlanFigures::tr("estimated"), kl,
                    meaning});
}

/// As the dialog of a compression says it.
TruthFigure timeFigure(const Session& session) {
    const PlanDocument& plan = session.plan();
    const TimeEstimate time = session.speed().toCompress(plan.plan(), plan.cells());
    const QString onGpu =
        PlanFigures::tr("About %1 on an H100.").arg(spanText(compressSecondsOnGpu(plan.cells())));
    const QString here =
        time.runs > 0
            ? PlanFigures::tr("On the processor of this machine, as measured in %n earlier run(s).",
                              nullptr, time.runs)
            : PlanFigures::tr("On the processor of this machine (%n core(s)), by documented rates, "
                              "which may be off by a factor. The first run here corrects it.",
                              nullptr, session.speed().threads);
    return {u"time"_s,
            PlanFigures::tr("to compress"),
            time.seconds > 0 ? spanText(qMax(1.0, time.seconds)) : PlanFigures::tr("none"),
            PlanFigures::tr("predicted"),
            time.seconds,
            time.seconds > 0 ? here + u' ' + onGpu
                             : PlanFigures::tr("No cell is to be compressed")};
}

} // namespace

double presentAmount(const Session& session, const PlanSolver& solver,
                     const AllocationTarget& target) {
    const PlanDocument& plan = session.plan();
    switch (target.kind) {
    case Kind::Bytes:
        return static_cast<double>(plan.size().total());
    case Kind::BitsPerWeight:
        return plan.size().bitsPerWeight;
    case Kind::GpuMemory:
        return static_cast<double>(memoryOf(plan, target).total());
    case Kind::Kl:
        return solver.losses() ? solver.losses()->planLoss(plan.plan(), plan.cells()) : 0;
    case Kind::TokensPerSecond:
        break;
    }
    return tokensPerSecond(plan, target);
}

SizeUnit sizeUnitFor(double bytes) {
    return bytes < kGigabyte ? SizeUnit{1e6, u"MB"_s} : SizeUnit{kGigabyte, u"GB"_s};
}

QList<TruthFigure> planFigures(const Session& session, const PlanSolver& solver) {
    const PlanDocument& plan = session.plan();
    QList<TruthFigure> figures{diskFigure(plan), memoryFigure(plan, solver.target())};
    figures.append(
        {u"bpw"_s, PlanFigures::tr("bits/weight"), figureText(plan.size().bitsPerWeight),
         PlanFigures::tr("exact"), plan.size().bitsPerWeight,
         PlanFigures::tr("Codes, scales, factors and signs of all cells over their weights")});
    addLoss(figures, session, solver);
    figures.append(speedFigure(plan, solver.target()));
    figures.append(timeFigure(session));
    return figures;
}

BudgetState budgetState(const Session& session, const PlanSolver& solver) {
    const AllocationTarget& target = solver.target();
    if (target.value <= 0 || (target.kind == Kind::Kl && !solver.losses())) {
        return {};
    }
    const double now = presentAmount(session, solver, target);
    const double left =
        target.kind == Kind::TokensPerSecond ? now - target.value : target.value - now;
    const QString amount =
        target.kind == Kind::Bytes           ? sizeText(std::llround(std::abs(left)))
        : target.kind == Kind::GpuMemory     ? memoryText(std::llround(std::abs(left)))
        : target.kind == Kind::BitsPerWeight ? QLocale::c().toString(std::abs(left), 'f', 3)
                                             : figureText(std::abs(left));
    // What rounds to nothing is nothing.
    const bool over = left < 0 && std::abs(left) > 1e-9 * target.value;
    if (target.kind == Kind::TokensPerSecond) {
        return {over, over ? PlanFigures::tr("%1 tok/s too slow").arg(amount)
                           : PlanFigures::tr("%1 tok/s to spare").arg(amount)};
    }
    return {over,
            over ? PlanFigures::tr("%1 over").arg(amount) : PlanFigures::tr("%1 left").arg(amount)};
}

} // namespace caldera::studio
