#include "widgets/pods/pod_words.h"

#include <QCoreApplication>

#include "widgets/remote/pod_quote.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

QString tr(const char* text) {
    return QCoreApplication::translate("PodWords", text);
}

} // namespace

QString podPhaseWord(PodPhase phase) {
    switch (phase) {
    case PodPhase::Wanted:
        return tr("being rented");
    case PodPhase::Starting:
        return tr("starting");
    case PodPhase::Ready:
        return tr("running");
    case PodPhase::Stopping:
        return tr("stopping");
    case PodPhase::Stopped:
        return tr("stopped");
    case PodPhase::Returning:
        return tr("being given back");
    case PodPhase::Returned:
        break;
    }
    return tr("given back");
}

QString podReasonWord(PodStopReason reason) {
    switch (reason) {
    case PodStopReason::Completed:
        return tr("its job is done");
    case PodStopReason::Idle:
        return tr("nothing happened on it");
    case PodStopReason::Budget:
        return tr("the cap is reached");
    default:
        return {};
    }
}

QString costLine(const PodCost& cost) {
    QString line = tr("%1, %2").arg(cost.gpu, podPhaseWord(cost.phase));
    line += cost.hourly > 0 ? tr(": %1 an hour, ").arg(dollarText(cost.hourly)) : u": "_s;
    line += tr("%1 of %2 spent").arg(dollarText(cost.spent), dollarText(cost.cap));
    if (cost.phase == PodPhase::Stopped)
        line += tr("; its volume costs %1 a month").arg(dollarText(cost.monthly));
    if (!cost.problem.isEmpty())
        line += u". "_s + cost.problem;
    return line;
}

QString costToolTip(const PodCost& cost) {
    return tr("Computed from the provider's hourly price and its clock, without the volume, which "
              "costs %1 a month with or without a pod. The provider's bill decides.")
        .arg(dollarText(cost.monthly));
}

} // namespace caldera::studio
