#include "app/studio/job_actions.h"

#include <QDir>
#include <QUuid>

#include <exception>
#include <optional>
#include <utility>

#include "core/base/file.h"
#include "core/base/paths.h"
#include "core/model/text_file.h"
#include "widgets/jobs/job_service.h"
#include "widgets/support/number_text.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

/// What follows `option` in the arguments; empty when it is not there.
QString valueOf(const QStringList& arguments, const QString& option) {
    const qsizetype at = arguments.indexOf(option);
    return at >= 0 && at + 1 < arguments.size() ? arguments[at + 1] : QString();
}

/// Writes the plan into the state folder under a name of its own. Throws Error.
QString writePlanFile(const Plan& plan) {
    const std::filesystem::path folder = stateFolder() / "plans";
    std::filesystem::create_directories(folder);
    const QString name = QUuid::createUuid().toString(QUuid::WithoutBraces) + u".yaml"_s;
    const std::filesystem::path file = folder / name.toStdString();
    savePlan(plan, file);
    return QString::fromStdString(file.string());
}

/// What the values are that a run of this kind gives while it is at work.
QString liveMetric(const QString& kind) {
    return kind == u"fidelity" ? JobActions::tr("Fragility, so far")
                               : JobActions::tr("Relative error, so far");
}

/// What a measurement is told besides plan and result.
QStringList measuring(const QString& model, const MeasureSettings& settings) {
    QStringList arguments{u"fidelity"_s,      model,
                          u"--metric"_s,      settings.metrics.join(u','),
                          u"--text-tokens"_s, QString::number(settings.textTokens)};
    if (!settings.text.isEmpty()) {
        arguments += {u"--text"_s, settings.text};
    }
    return arguments;
}

/// Where the result of a job that is done lies.
QString resultOf(const JobSummary& job) {
    const QString out = valueOf(job.arguments, u"--out"_s);
    if (!out.isEmpty()) {
        return out;
    }
    return job.kind == u"fidelity"   ? job.outFolder + u"/fidelity.h5"_s
           : job.kind == u"evaluate" ? job.outFolder + u"/evaluation.h5"_s
                                     : job.outFolder;
}

/// Texts of a measurement, to be sent to another machine.
struct SentTexts {
    QByteArray calibration;
    QByteArray text;
    std::optional<Failure> failure;
};

/// Reads files: not on the GUI thread.
SentTexts readTexts(const MeasureSettings& settings) {
    SentTexts texts;
    const auto read = [](const QString& path) {
        return path.isEmpty() ? QByteArray()
                              : QByteArray::fromStdString(readUtf8File(path.toStdString()));
    };
    try {
        texts.calibration = read(settings.calibrationText);
        texts.text = read(settings.text);
    } catch (const std::exception& error) {
        texts.failure = describeFailure(error);
    }
    return texts;
}

} // namespace

struct JobActions::JobFiles {
    QString plan;     ///< written
    QString fidelity; ///< where the model's measurements are kept
};

struct JobActions::WrittenFiles {
    JobFiles files;
    std::optional<Failure> failure;
};

JobActions::JobActions(Session& session, JobService& service, QObject* parent)
    : QObject(parent), session_(session), service_(service) {
    connect(&service_, &JobService::jobEvent, this, &JobActions::takeEvent);
    connect(&service_, &JobService::jobAdded, this, &JobActions::takeChange);
    connect(&service_, &JobService::jobChanged, this, &JobActions::takeChange);
    connect(&session_, &Session::opened, this, &JobActions::showRunning);
}

QString JobActions::modelPath() const {
    const OpenFacts& facts = *session_.facts();
    return facts.kind == OpenKind::Model ? facts.path : QString::fromStdString(facts.plan.model);
}

bool JobActions::concernsOpenModel(const JobSummary& job) const {
    const QString model = job.host.isEmpty() ? job.arguments.value(1) : job.model;
    return session_.facts() && !model.isEmpty() && model == modelPath();
}

bool JobActions::reportsOnWhatIsOpen(const JobSummary& job) const {
    if (job.kind == u"fidelity") {
        return concernsOpenModel(job);
    }
    return (job.kind == u"evaluate" || job.kind == u"blame") && session_.facts() &&
           job.arguments.value(1) == session_.facts()->path;
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
    Q_EMIT launchSuggested(suggested);
}

Plan JobActions::measuredPlan() const {
    Plan plan = session_.plan().plan();
    plan.model = modelPath().toStdString();
    plan.calibration.tokens = measuring_.calibrationTokens;
    plan.calibration.text =
        measuring_.calibrationText.isEmpty() ? "builtin" : measuring_.calibrationText.toStdString();
    return plan;
}

void JobActions::measure(const MeasureSettings& settings) {
    if (!session_.facts()) {
        return;
    }
    measuring_ = settings;
    const QString title = tr("Measure %1").arg(session_.facts()->name);
    const QStringList arguments = measuring(modelPath(), settings);
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
        measure(measuring_);
    }
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
    request.model = modelPath();
    request.arguments = {u"compress"_s, settings.modelThere, u"--plan"_s, u"{job}/plan.yaml"_s};
    request.files = {
        {u"plan.yaml"_s, QByteArray::fromStdString(printPlan(session_.plan().plan()))}};
    const QString id = service_.start(request);
    Q_EMIT started(id, settings.name);
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
    request.model = modelPath();
    request.arguments =
        measuring(settings.modelThere, there) + QStringList{u"--plan"_s, u"{job}/plan.yaml"_s};
    request.files = {{u"plan.yaml"_s, QByteArray::fromStdString(printPlan(plan))}};
    session_.inBackground(
        [chosen = measuring_] { return readTexts(chosen); },
        [this, request](const SentTexts& texts) mutable {
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
            Q_EMIT started(service_.start(request), request.title);
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
    const QString model = modelPath();
    plan.model = model.toStdString();
    withFiles(std::move(plan), [this, settings, model](const JobFiles& files) {
        const QString id = service_.start(
            u"compress"_s, settings.name,
            {u"compress"_s, model, u"--plan"_s, files.plan, u"--out"_s, settings.folder});
        Q_EMIT started(id, settings.name);
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

void JobActions::serveThere(const QString& id, const Target& target) {
    const JobSummary made = service_.job(id);
    const QString title = tr("%1 on %2").arg(made.title, target.name);
    Q_EMIT started(service_.start({u"serve"_s,
                                   title,
                                   {u"serve"_s, made.hostFolder + u"/out"_s, u"--port"_s, u"0"_s},
                                   target,
                                   made.model,
                                   {}}),
                   title);
}

void JobActions::evaluate() {
    if (!session_.facts() || session_.facts()->kind != OpenKind::Artifact) {
        return;
    }
    const OpenFacts& facts = *session_.facts();
    const QString title = tr("Evaluate %1").arg(facts.name);
    const QStringList arguments{u"evaluate"_s, facts.path, u"--reference"_s, modelPath()};
    session_.inBackground([hash = facts.artifactHash] { return evaluationFile(hash); },
                          [this, arguments, title](const QString& file) {
                              const QString id = service_.start(
                                  u"evaluate"_s, title, arguments + QStringList{u"--out"_s, file});
                              Q_EMIT started(id, title);
                          });
}

void JobActions::takeEvent(const QString& id, const QJsonObject& event) {
    if (event.value(u"event").toString() != u"cell") {
        return;
    }
    const JobSummary job = service_.job(id);
    const bool isOfMetric = event.value(u"metric").toString() == service_.history(id).metric();
    if (!job.active() || !concernsOpenModel(job) || !isOfMetric) {
        return;
    }
    if (liveJob_ != id) {
        liveJob_ = id;
        beginLive(job);
    }
    const auto module = parseModule(event.value(u"module").toString().toStdString());
    // A compression tells the error of its result, a measurement the value of its metric.
    const QJsonValue value =
        event.contains(u"value"_s) ? event.value(u"value") : event.value(u"relative_error");
    if (module && value.isDouble()) {
        session_.takeLiveCell({event.value(u"layer").toInt(), *module}, value.toDouble());
    }
}

void JobActions::beginLive(const JobSummary& job) {
    session_.beginLive(liveMetric(job.kind), Session::scaleOf(service_.history(job.id).metric()));
}

void JobActions::showRunning() {
    liveJob_.clear();
    for (const JobSummary& job : service_.running()) {
        const QList<JobCell> cells = service_.history(job.id).cells();
        if (!concernsOpenModel(job) || cells.isEmpty()) {
            continue;
        }
        liveJob_ = job.id;
        beginLive(job);
        for (const JobCell& cell : cells) {
            if (const auto module = parseModule(cell.module.toStdString())) {
                session_.takeLiveCell({cell.layer, *module}, cell.relativeError);
            }
        }
        return;
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
    if (liveJob_ == id) {
        liveJob_.clear();
        session_.endLive();
    }
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
}

} // namespace caldera::studio
