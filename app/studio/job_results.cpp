// What jobs tell, and what becomes of their results.
#include <exception>
#include <optional>

#include "app/studio/job_actions.h"
#include "app/studio/job_words.h"
#include "app/studio/live_job.h"
#include "core/preflight/speed_log.h"
#include "core/report/kept_reports.h"
#include "widgets/jobs/job_service.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

bool JobActions::reportsOnWhatIsOpen(const JobSummary& job) const {
    if (job.kind == u"fidelity") {
        return concernsOpenModel(job, session_);
    }
    const QString subject = job.host.isEmpty() ? job.arguments.value(1) : job.model;
    return (job.kind == u"evaluate" || job.kind == u"blame") && session_.facts() &&
           subject == session_.facts()->path;
}

void JobActions::takeEvent(const QString& id, const QJsonObject& event) {
    if (event.value(u"event").toString() == u"revision" &&
        event.value(u"plan").toString() == revising_.value(id)) {
        revising_.remove(id);
    }
    if (event.value(u"event").toString() == u"speed") {
        speeds_[id] = event;
    }
}

/// What a run on a GPU elsewhere took corrects the estimates of rented ones.
void JobActions::keepSpeed(const QString& id) {
    const QJsonObject speed = speeds_.take(id);
    const QString gpu = speed.value(u"place").toString();
    if (speed.isEmpty() || gpu.startsWith(u"cpu"_s)) {
        return;
    }
    session_.inBackground(
        [speed, gpu] {
            SpeedLog::ofThisMachine().add(
                {speed.value(u"kind").toString().toStdString(), gpu.toStdString()},
                speed.value(u"estimated").toDouble(), speed.value(u"seconds").toDouble());
            return true;
        },
        [](bool) {});
}

void JobActions::tellLateRevision(const JobSummary& job) {
    if (job.phase == u"done" && revising_.contains(job.id)) {
        Q_EMIT failed({tr("“%1” was done before it heard of the changed plan: its result follows "
                          "the plan before. Compress again to have the other one.")
                           .arg(job.title),
                       u"job.revise-late"_s});
    }
    if (job.phase == u"done") {
        revising_.remove(job.id);
    }
}

void JobActions::takeChange(const QString& id) {
    const bool now = service_.job(id).active();
    const bool before = active_.value(id, false);
    active_[id] = now;
    if (before && !now) {
        finish(id);
    }
}

void JobActions::finish(const QString& id) {
    const JobSummary job = service_.job(id);
    live_->end(id);
    Q_EMIT ended(id);
    tellLateRevision(job);
    if (job.kind == u"blame") {
        Q_EMIT blameEnded();
    }
    if (job.phase != u"done") {
        return;
    }
    if (job.host.isEmpty()) {
        session_.readSpeed();
    } else {
        keepSpeed(id);
    }
    const QString out = resultOf(job);
    if (job.kind == u"compress") {
        Q_EMIT artifactReady(job.title, out);
    } else if (reportsOnWhatIsOpen(job)) {
        session_.openReport(out);
        if (job.kind == u"fidelity") {
            Q_EMIT measured();
        }
    }
    if ((job.kind == u"fidelity" || job.kind == u"evaluate") && !job.host.isEmpty()) {
        keepMeasured(job.kind, out);
    }
}

void JobActions::keepMeasured(const QString& kind, const QString& report) {
    session_.inBackground(
        [report, keep = kind == u"fidelity" ? keepFidelity : keepEvaluated] {
            std::optional<Failure> failure;
            try {
                keep(report.toStdString());
            } catch (const std::exception& error) {
                failure = describeFailure(error);
            }
            return failure;
        },
        [this](const std::optional<Failure>& failure) {
            if (failure) {
                Q_EMIT failed(*failure);
            }
        });
}

} // namespace caldera::studio
