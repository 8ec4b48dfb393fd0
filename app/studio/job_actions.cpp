#include "app/studio/job_actions.h"

#include <QDir>

#include <exception>
#include <optional>
#include <utility>

#include "app/studio/job_files.h"
#include "app/studio/job_words.h"
#include "app/studio/live_job.h"
#include "core/allocation/expected_errors.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/report/kept_reports.h"
#include "widgets/jobs/job_service.h"
#include "widgets/remote/pod_jobs.h"
#include "widgets/support/number_text.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

struct JobActions::JobFiles {
    QString plan;     ///< written
    QString fidelity; ///< where the model's measurements are kept
};

struct JobActions::WrittenFiles {
    JobFiles files;
    std::optional<Failure> failure;
};

JobActions::JobActions(Session& session, JobService& service, PodJobs& pods, QObject* parent)
    : QObject(parent), session_(session), service_(service), pods_(pods),
      live_(new LiveJob(session, service, this)) {
    connect(&service_, &JobService::jobEvent, this, &JobActions::takeEvent);
    connect(&service_, &JobService::jobAdded, this, &JobActions::takeChange);
    connect(&service_, &JobService::jobChanged, this, &JobActions::takeChange);
}

bool JobActions::reportsOnWhatIsOpen(const JobSummary& job) const {
    if (job.kind == u"fidelity") {
        return concernsOpenModel(job, session_);
    }
    const QString subject = job.host.isEmpty() ? job.arguments.value(1) : job.model;
    return (job.kind == u"evaluate" || job.kind == u"blame") && session_.facts() &&
           subject == session_.facts()->path;
}

void JobActions::suggestMeasuring(const MeasureSettings& settings) {
    if (!session_.facts()) {
        return;
    }
    measuring_ = settings;
    LaunchSettings suggested;
    suggested.compresses = false;
    suggested.name = tr("Measure %1").arg(session_.facts()->name);
    suggested.fingerprint = session_.facts()->fingerprint;
    suggested.modelBytes = session_.facts()->fileBytes;
    Q_EMIT launchSuggested(suggested);
}

Plan JobActions::measuredPlan() const {
    Plan plan = session_.plan().plan();
    plan.model = modelPath(session_).toStdString();
    plan.calibration.tokens = measuring_.calibrationTokens;
    plan.calibration.text =
        measuring_.calibrationText.isEmpty() ? "builtin" : measuring_.calibrationText.toStdString();
    return plan;
}

void JobActions::measure(const MeasureSettings& settings, bool forces) {
    if (!session_.facts()) {
        return;
    }
    measuring_ = settings;
    const QString title = tr("Measure %1").arg(session_.facts()->name);
    const QStringList arguments = measuring(modelPath(session_), settings) + forced(forces);
    withFiles(measuredPlan(), [this, title, arguments](const JobFiles& files) {
        const QString id = service_.start(
            u"fidelity"_s, title,
            arguments + QStringList{u"--plan"_s, files.plan, u"--out"_s, files.fidelity});
        Q_EMIT started(id, title);
    });
}

void JobActions::launch(const LaunchSettings& settings) {
    if (!session_.facts()) {
        return;
    }
    if (settings.target.kind != TargetKind::Local) {
        launchElsewhere(settings);
    } else if (settings.compresses) {
        compress(settings);
    } else {
        measure(measuring_, settings.forces);
    }
}

JobRequest JobActions::checkRequest(const LaunchSettings& settings) const {
    const bool isHere = settings.target.kind == TargetKind::Local;
    const QString model = isHere ? modelPath(session_) : settings.modelThere;
    MeasureSettings measuringThere = measuring_;
    measuringThere.text.clear(); // what it holds changes nothing of what is needed
    Plan plan = settings.compresses ? session_.plan().plan() : measuredPlan();
    if (settings.compresses) {
        plan.calibration.tokens = settings.calibrationTokens;
    }
    JobRequest request;
    request.kind = settings.compresses ? u"compress"_s : u"fidelity"_s;
    request.target = settings.target;
    request.arguments =
        settings.compresses ? QStringList{u"compress"_s, model} : measuring(model, measuringThere);
    request.arguments += {u"--plan"_s, u"{job}/plan.yaml"_s};
    if (settings.compresses && isHere) {
        request.arguments += {u"--out"_s, settings.folder};
    }
    request.files = {{u"plan.yaml"_s, QByteArray::fromStdString(printPlan(plan))}};
    return request;
}

void JobActions::launchElsewhere(const LaunchSettings& settings) {
    if (!settings.compresses) {
        measureElsewhere(settings);
        return;
    }
    session_.plan().setCalibrationTokens(settings.calibrationTokens);
    JobRequest request;
    request.kind = u"compress"_s;
    request.title = settings.name;
    request.target = settings.target;
    request.model = modelPath(session_);
    request.arguments = {u"compress"_s, settings.modelThere, u"--plan"_s, u"{job}/plan.yaml"_s};
    request.arguments += forced(settings.forces);
    request.files = {{u"plan.yaml"_s, QByteArray::fromStdString(printPlan(session_.plan().plan()))},
                     {kExpectedName, expectedFile()}};
    startElsewhere(request, settings.pod);
}

void JobActions::startElsewhere(const JobRequest& request, const std::optional<PodOrder>& pod) {
    try {
        Q_EMIT started(pod ? pods_.start(request, *pod) : service_.start(request), request.title);
    } catch (const Error& error) {
        Q_EMIT failed(describeFailure(error));
    }
}

/// Plan and texts travel with the job: their paths mean nothing there.
void JobActions::measureElsewhere(const LaunchSettings& settings) {
    MeasureSettings there = measuring_;
    Plan plan = measuredPlan();
    plan.calibration.text = "builtin"; // or the text that is sent along
    if (!there.text.isEmpty()) {
        there.text = u"{job}/text.txt"_s;
    }
    JobRequest request;
    request.kind = u"fidelity"_s;
    request.title = settings.name;
    request.target = settings.target;
    request.model = modelPath(session_);
    request.arguments = measuring(settings.modelThere, there) +
                        QStringList{u"--plan"_s, u"{job}/plan.yaml"_s} + forced(settings.forces);
    request.files = {{u"plan.yaml"_s, QByteArray::fromStdString(printPlan(plan))}};
    session_.inBackground(
        [chosen = measuring_] { return readTexts(chosen); },
        [this, request, pod = settings.pod](const SentTexts& texts) mutable {
            if (texts.failure) {
                Q_EMIT failed(*texts.failure);
                return;
            }
            if (!texts.calibration.isEmpty()) {
                request.arguments += {u"--calibration-text"_s, u"{job}/calibration.txt"_s};
                request.files.insert(u"calibration.txt"_s, texts.calibration);
            }
            if (!texts.text.isEmpty()) {
                request.files.insert(u"text.txt"_s, texts.text);
            }
            startElsewhere(request, pod);
        });
}

void JobActions::suggestLaunch() {
    if (!session_.facts() || session_.plan().problem()) {
        return;
    }
    LaunchSettings suggested;
    suggested.name =
        tr("%1 at %2 bits")
            .arg(session_.facts()->name, figureText(session_.plan().size().bitsPerWeight));
    suggested.fingerprint = session_.facts()->fingerprint;
    suggested.modelBytes = session_.facts()->fileBytes;
    suggested.calibrationTokens = session_.plan().plan().calibration.tokens;
    const QString folderName = session_.facts()->name + u"-caldera-"_s +
                               QString::number(session_.plan().size().bitsPerWeight, 'f', 2) +
                               u"bpw"_s;
    session_.inBackground([folderName] { return suggestArtifactFolder(folderName); },
                          [this, suggested](const QString& folder) mutable {
                              suggested.folder = folder;
                              Q_EMIT launchSuggested(suggested);
                          });
}

void JobActions::compress(const LaunchSettings& settings) {
    session_.plan().setCalibrationTokens(settings.calibrationTokens);
    Plan plan = session_.plan().plan();
    const QString model = modelPath(session_);
    plan.model = model.toStdString();
    withFiles(std::move(plan), [this, settings, model](const JobFiles& files) {
        JobRequest request;
        request.kind = u"compress"_s;
        request.title = settings.name;
        request.arguments = {u"compress"_s, model,      u"--plan"_s,
                             files.plan,    u"--out"_s, settings.folder};
        request.arguments += forced(settings.forces);
        request.files = {{kExpectedName, expectedFile()}};
        Q_EMIT started(service_.start(request), settings.name);
    });
}

void JobActions::withFiles(Plan plan, std::function<void(const JobFiles&)> start) {
    session_.inBackground(
        [plan = std::move(plan), fingerprint = session_.facts()->fingerprint] {
            WrittenFiles written;
            try {
                written.files = {writePlanFile(plan), fidelityFile(fingerprint)};
            } catch (const std::exception& error) {
                written.failure = describeFailure(error);
            }
            return written;
        },
        [this, start = std::move(start)](const WrittenFiles& written) {
            if (written.failure) {
                Q_EMIT failed(*written.failure);
            } else {
                start(written.files);
            }
        });
}

/// What the measurements of the model promise of the plan; empty where nothing was measured.
QByteArray JobActions::expectedFile() const {
    if (!session_.fidelity()) {
        return {};
    }
    try {
        const LossModel losses(*session_.fidelity(), session_.plan().config());
        return QByteArray::fromStdString(
            expectedText(expectedErrors(session_.plan().cells(), losses)));
    } catch (const Error&) { // a report without errors of options: nothing is promised
        return {};
    }
}

QString JobActions::revisableJob() const {
    if (!session_.facts() || session_.plan().problem()) {
        return {};
    }
    for (const JobSummary& job : service_.running()) {
        if (job.kind == u"compress" && concernsOpenModel(job, session_)) {
            return job.id;
        }
    }
    return {};
}

void JobActions::revise() {
    const QString id = revisableJob();
    if (id.isEmpty()) {
        return;
    }
    Plan plan = session_.plan().plan();
    plan.model = modelPath(session_).toStdString();
    const std::string text = printPlan(plan);
    revising_[id] = QString::fromStdString(sha256Hex(text));
    service_.revise(id, QByteArray::fromStdString(text), expectedFile());
    Q_EMIT revised(id, service_.job(id).title);
}

void JobActions::evaluateThere(const QString& id, const Target& target) {
    const JobSummary made = service_.job(id);
    JobRequest request;
    request.kind = u"evaluate"_s;
    request.title = tr("Evaluate %1 on %2").arg(made.title, made.host);
    request.target = target;
    request.model = made.outFolder;
    request.arguments = {u"evaluate"_s, made.hostFolder + u"/out"_s, u"--reference"_s,
                         made.arguments.value(1)};
    startWhereMade(made, request);
}

void JobActions::serveThere(const QString& id, const Target& target) {
    const JobSummary made = service_.job(id);
    startWhereMade(made, {u"serve"_s,
                          tr("%1 on %2").arg(made.title, made.host),
                          {u"serve"_s, made.hostFolder + u"/out"_s, u"--port"_s, u"0"_s},
                          target,
                          made.model,
                          {}});
}

void JobActions::startWhereMade(const JobSummary& made, const JobRequest& request) {
    if (!made.isOnPod) {
        startElsewhere(request, std::nullopt);
        return;
    }
    try {
        Q_EMIT started(pods_.startLike(made.id, request), request.title);
    } catch (const Error& error) {
        Q_EMIT failed(describeFailure(error));
    }
}

void JobActions::evaluate() {
    if (!session_.facts() || session_.facts()->kind != OpenKind::Artifact) {
        return;
    }
    const OpenFacts& facts = *session_.facts();
    const QString title = tr("Evaluate %1").arg(facts.name);
    const QStringList arguments{u"evaluate"_s, facts.path, u"--reference"_s, modelPath(session_)};
    session_.inBackground([hash = facts.artifactHash] { return evaluationFile(hash); },
                          [this, arguments, title](const QString& file) {
                              const QString id = service_.start(
                                  u"evaluate"_s, title, arguments + QStringList{u"--out"_s, file});
                              Q_EMIT started(id, title);
                          });
}

void JobActions::takeEvent(const QString& id, const QJsonObject& event) {
    if (event.value(u"event").toString() == u"revision" &&
        event.value(u"plan").toString() == revising_.value(id)) {
        revising_.remove(id);
    }
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
    tellLateRevision(job);
    if (job.kind == u"blame") {
        Q_EMIT blameEnded();
    }
    if (job.phase != u"done") {
        return;
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
    if (job.kind == u"fidelity" && !job.host.isEmpty()) {
        keepMeasured(out);
    }
}

void JobActions::keepMeasured(const QString& report) {
    session_.inBackground(
        [report] {
            std::optional<Failure> failure;
            try {
                keepFidelity(report.toStdString());
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
