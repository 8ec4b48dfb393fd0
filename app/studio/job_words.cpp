#include "app/studio/job_words.h"

#include "widgets/jobs/job_service.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

/// What follows `option` in the arguments; empty when it is not there.
QString valueOf(const QStringList& arguments, const QString& option) {
    const qsizetype at = arguments.indexOf(option);
    return at >= 0 && at + 1 < arguments.size() ? arguments[at + 1] : QString();
}

} // namespace

QStringList measuring(const QString& model, const MeasureSettings& settings) {
    QStringList arguments{u"fidelity"_s,      model,
                          u"--metric"_s,      settings.metrics.join(u','),
                          u"--text-tokens"_s, QString::number(settings.textTokens)};
    if (!settings.text.isEmpty()) {
        arguments += {u"--text"_s, settings.text};
    }
    return arguments;
}

QStringList evaluating(const EvaluateSettings& settings) {
    QStringList arguments;
    if (settings.onText) {
        arguments += {u"--text"_s, settings.text.isEmpty() ? u"builtin"_s : settings.text};
    }
    if (settings.onText && settings.context > 0) {
        arguments += {u"--context"_s, QString::number(settings.context)};
    }
    for (const QString& task : settings.tasks) {
        arguments += {u"--task"_s, task};
    }
    if (settings.onText && settings.keepsReference) {
        arguments += u"--keep-reference"_s;
    }
    return arguments;
}

QByteArray planThere(Plan plan) {
    plan.calibration.text = "builtin"; // or what --calibration-text names
    return QByteArray::fromStdString(printPlan(plan));
}

QStringList forced(bool forces) {
    return forces ? QStringList{u"--force"_s} : QStringList();
}

QString resultOf(const JobSummary& job) {
    const QString out = valueOf(job.arguments, u"--out"_s);
    if (!out.isEmpty()) {
        return out;
    }
    return job.kind == u"fidelity"   ? job.outFolder + u"/fidelity.h5"_s
           : job.kind == u"evaluate" ? job.outFolder + u"/evaluation.h5"_s
                                     : job.outFolder;
}

} // namespace caldera::studio
