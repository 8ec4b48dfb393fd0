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
#include "core/plan/time_estimate.h"
#include "core/preflight/speed_log.h"
#include "core/report/kept_reports.h"
#include "widgets/jobs/job_service.h"
#include "widgets/remote/model_fetch.h"
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

void JobActions::suggestMeasuring(const MeasureSettings& settings) {
    if (!session_.facts()) {
        return;
    }
    LaunchSettings suggested;
    suggested.compresses = false;
    suggested.measuring = settings;
    suggested.name = tr("Measure %1").arg(session_.facts()->name);
    suggested.gpuSeconds = fidelitySecondsOnGpu(session_.plan().config(), fidelityWork(settings));
    suggested.fingerprint = session_.facts()->fingerprint;
    suggested.modelBytes = session_.facts()->fileBytes;
    suggested.onlyElsewhere = isOutlineOpen(session_);
    Q_EMIT launchSuggested(suggested);
}

Plan JobActions::measuredPlan(const MeasureSettings& settings) const {
    Plan plan = session_.plan().plan();
    plan.model = modelPath(session_).toStdString();
    plan.calibration.tokens = settings.calibrationTokens;
    plan.calibration.text =
        settings.calibrationText.isEmpty() ? "builtin" : settings.calibrationText.toStdString();
    return plan;
}

void JobActions::measure(const MeasureSettings& settings, bool forces) {
    if (!session_.facts()) {
        return;
    }
    const QString title = tr("Measure %1").arg(session_.facts()->name);
    const QStringList arguments = measuring(modelPath(session_), settings) + forced(forces);
    withFiles(measuredPlan(settings), [this, title, arguments](const JobFiles& files) {
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
        measure(settings.measuring, settings.forces);
    }
}

JobRequest JobActions::checkRequest(const LaunchSettings& settings) const {
    const bool isHere = settings.target.kind == TargetKind::Local;
    const QString model = isHere ? modelPath(session_) : settings.modelThere;
    MeasureSettings measuringThere = settings.measuring;
    measuringThere.text.clear(); // what it holds changes nothing of what is needed
    Plan plan = settings.compresses ? session_.plan().plan() : measuredPlan(settings.measuring);
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
    request.files = {
        {u"plan.yaml"_s, isHere ? QByteArray::fromStdString(printPlan(plan)) : planThere(plan)}};
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
    request.files = {{u"plan.yaml"_s, planThere(session_.plan().plan())},
                     {kExpectedName, expectedFile()}};
    MeasureSettings texts;
    const std::string& text = session_.plan().plan().calibration.text;
    texts.calibrationText = text == "builtin" ? QString() : QString::fromStdString(text);
    sendTexts(request, texts, settings.pod);
}

void JobActions::startElsewhere(const JobRequest& request, const std::optional<PodOrder>& pod) {
    const auto start = [this, request, pod] {
        try {
            Q_EMIT started(pod ? pods_.start(request, *pod) : service_.start(request),
                           request.title);
        } catch (const Error& error) {
            Q_EMIT failed(describeFailure(error));
        }
    };
    if (readHub_ && !hubModels(request.arguments).isEmpty()) {
        readHub_(start);
    } else {
        start();
    }
}

void JobActions::measureElsewhere(const LaunchSettings& settings) {
    MeasureSettings there = settings.measuring;
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
    request.files = {{u"plan.yaml"_s, planThere(measuredPlan(settings.measuring))}};
    sendTexts(request, settings.measuring, settings.pod);
}

/// Texts of this machine travel with the job: their paths mean nothing there.
void JobActions::sendTexts(const JobRequest& request, const MeasureSettings& chosen,
                           const std::optional<PodOrder>& pod) {
    session_.inBackground(
        [chosen] { return readTexts(chosen); },
        [this, request = request, pod](const SentTexts& texts) mutable {
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
    suggested.gpuSeconds = compressSecondsOnGpu(session_.plan().cells());
    suggested.fingerprint = session_.facts()->fingerprint;
    suggested.modelBytes = session_.facts()->fileBytes;
    suggested.onlyElsewhere = isOutlineOpen(session_);
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
    const QByteArray text = service_.job(id).host.isEmpty()
                                ? QByteArray::fromStdString(printPlan(plan))
                                : planThere(plan);
    revising_[id] = QString::fromStdString(sha256Hex(text.toStdString()));
    service_.revise(id, text, expectedFile());
    Q_EMIT revised(id, service_.job(id).title);
}

} // namespace caldera::studio
