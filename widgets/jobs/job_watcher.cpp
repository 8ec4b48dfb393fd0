#include "widgets/jobs/job_watcher.h"

#include <filesystem>

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QJsonDocument>
#include <QTimer>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/job/job_folder.h"
#include "core/job/job_start.h"
#include "core/job/revision.h"
#include "widgets/jobs/job_description.h"
#include "widgets/remote/remote_jobs.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kPollInterval = 200;     // ms; what a person notices as "at once"
constexpr qint64 kDiscoverEvery = 5;   // ticks: folders made by others, ended jobs that move again
constexpr qsizetype kEventBatch = 256; // events handed over at once, so that the window stays quick
constexpr qint64 kUnstartedSeconds = 60; // a queued job of another program is lost after this

std::filesystem::path toPath(const QString& text) {
    return {text.toStdU16String()};
}

QJsonObject toQt(const nlohmann::json& body) {
    const std::string text = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return QJsonDocument::fromJson(QByteArray::fromStdString(text)).object();
}

} // namespace

struct JobWatcher::Tracked {
    explicit Tracked(const JobFolder& place) : folder(place), reader(place.events()) {}

    JobFolder folder;
    EventReader reader;
    JobSummary last;
    bool reported = false;
    pid_t process = 0; ///< id of the worker that was started here and has not spoken yet; else 0
    std::string complaint; ///< of the reader
    qint64 eventBytes = -1;
    QDateTime stateTime;
    QDateTime expectedTime;
};

JobWatcher::JobWatcher(QString root, QString worker, LoginPrompts& logins, PodDesk& pods)
    : root_(std::move(root)), worker_(std::move(worker)), logins_(logins), pods_(pods) {}

JobWatcher::~JobWatcher() = default;

void JobWatcher::begin() {
    QDir().mkpath(root_);
    remote_ = std::make_unique<RemoteJobs>(
        [&logins = logins_](const QString& id, const QString& question) {
            return logins.ask(id, question);
        },
        pods_,
        [this](const QString& id, int port, const QByteArray& token) {
            Q_EMIT serverReached(id, port, token);
        });
    discover();
    Q_EMIT listed();
    timer_ = new QTimer(this);
    connect(timer_, &QTimer::timeout, this, &JobWatcher::poll);
    timer_->start(kPollInterval);
}

void JobWatcher::stop() {
    delete std::exchange(timer_, nullptr);
    remote_.reset();
}

void JobWatcher::poll() {
    if (++ticks_ % kDiscoverEvery == 0)
        discover();
    for (const auto& job : std::as_const(jobs_)) {
        if (!hasEnded(job->last.phase))
            look(*job);
    }
}

void JobWatcher::discover() {
    for (const JobFolder& folder : listJobs(toPath(root_))) {
        const QString id = toText(folder.path().filename());
        if (Tracked* known = find(id)) {
            const QFileInfo state(toText(folder.path()) + "/state.json"_L1);
            const qint64 bytes = QFileInfo(toText(folder.events())).size();
            const bool moved =
                known->stateTime != state.lastModified() || known->eventBytes != bytes;
            if (hasEnded(known->last.phase) && moved)
                look(*known);
            goOnWithNewLogin(*known);
            continue;
        }
        const auto job = std::make_shared<Tracked>(folder);
        jobs_.insert(id, job);
        followHost(*job);
        look(*job);
    }
}

/// Takes up a job elsewhere that an earlier studio began. Another studio that follows it keeps it.
void JobWatcher::followHost(const Tracked& job) {
    try {
        const QString phase = QString::fromStdString(job.folder.state().phase);
        if (!isOver(phase) && isRemoteJob(job.folder.path()) && !job.folder.workerAlive())
            remote_->follow(job.folder.path(), RemoteJob::Begin::Follow);
    } catch (const Error&) {
        // Whoever looks at the job says what is wrong with its files.
    }
}

/// A job whose host did not let us in is tried again once its machine is logged in to another way.
void JobWatcher::goOnWithNewLogin(const Tracked& job) {
    try {
        if (job.last.mayRunThere() && !remote_->isFollowing(job.last.id) &&
            takeLoginOf(job.folder.path(), targets_))
            remote_->follow(job.folder.path(), RemoteJob::Begin::Follow);
    } catch (const Error& error) {
        Q_EMIT requestFailed(job.last.id, QString::fromUtf8(error.what()));
    }
}

void JobWatcher::look(Tracked& job) {
    JobSummary now = job.last;
    job.stateTime = QFileInfo(toText(job.folder.path()) + "/state.json"_L1).lastModified();
    job.eventBytes = QFileInfo(toText(job.folder.events())).size();
    try {
        if (now.id.isEmpty())
            describe(now, job.folder.spec(), job.folder);
        if (now.hostFolder.isEmpty() && isRemoteJob(job.folder.path()))
            describe(now, readRemoteRecord(job.folder.path()));
        std::string phase = job.folder.visiblePhase();
        // Between reading the state and asking for the lock a worker may have ended well.
        if (phase == "lost")
            phase = job.folder.visiblePhase();
        describe(now, job.folder.state(), phase);
        settleUnstarted(job, now);
        describeRequests(now, job.folder, remote_->isConnecting(now.id));
    } catch (const std::exception& error) {
        now.phase = u"failed"_s;
        now.message = QString::fromUtf8(error.what());
    }
    if (now.id.isEmpty())
        return;
    if (!job.reported) {
        // The job itself comes first, its events after it.
        job.reported = true;
        Q_EMIT summaryRead(now);
        job.last = now;
    }
    forwardExpected(job);
    forwardEvents(job);
    if (now != job.last)
        Q_EMIT summaryRead(now);
    job.last = now;
}

void JobWatcher::forwardExpected(Tracked& job) {
    const QFileInfo file(toText(job.folder.path()) + u'/' + kExpectedName);
    const QDateTime written = file.lastModified();
    if (!written.isValid() || written == job.expectedTime)
        return;
    job.expectedTime = written;
    try {
        const std::string path = file.filePath().toStdString();
        Q_EMIT expectedRead(job.last.id, parseExpected(readTextFile(path), path));
    } catch (const Error& error) {
        Q_EMIT requestFailed(job.last.id, QString::fromUtf8(error.what()));
    }
}

void JobWatcher::forwardEvents(Tracked& job) {
    std::vector<Event> events;
    try {
        events = job.reader.poll();
        job.complaint.clear();
    } catch (const Error& error) {
        if (std::exchange(job.complaint, error.what()) != error.what()) // once, not at every look
            Q_EMIT requestFailed(job.last.id, QString::fromUtf8(error.what()));
    }
    QList<QJsonObject> batch;
    for (const Event& event : events) {
        batch.append(broughtHome(toQt(event.body), job.last));
        if (batch.size() == kEventBatch)
            Q_EMIT eventsRead(job.last.id, std::exchange(batch, {}));
    }
    if (!batch.isEmpty())
        Q_EMIT eventsRead(job.last.id, batch);
}

void JobWatcher::settleUnstarted(Tracked& job, JobSummary& now) {
    if (now.phase != "queued"_L1) {
        job.process = 0;
        return;
    }
    if (job.process != 0) {
        if (caldera::settleUnstarted(job.folder, job.process) || !processRuns(job.process)) {
            job.process = 0;
            describe(now, job.folder.state(), job.folder.visiblePhase());
        }
        return;
    }
    const bool old = now.created.secsTo(QDateTime::currentDateTimeUtc()) > kUnstartedSeconds;
    if (old && !job.folder.workerAlive())
        now.phase = u"lost"_s;
}

void JobWatcher::launch(const JobSummary& job, const JobRequest& request) {
    try {
        JobSpec spec;
        spec.id = job.id.toStdString();
        spec.kind = job.kind.toStdString();
        spec.title = job.title.toStdString();
        spec.created = utcNow();
        const bool isHere = request.target.kind == TargetKind::Local;
        for (QString argument : job.arguments) {
            if (isHere)
                argument.replace(kJobFolderWord, job.folder);
            spec.arguments.push_back(argument.toStdString());
        }
        const auto tracked =
            std::make_shared<Tracked>(JobFolder::create(toPath(root_), std::move(spec)));
        tracked->last = job;
        tracked->reported = true;
        jobs_.insert(job.id, tracked);
        fill(*tracked, request);
        look(*tracked);
    } catch (const std::exception& error) {
        JobSummary failed = job;
        failed.phase = u"failed"_s;
        failed.message = QString::fromUtf8(error.what());
        Q_EMIT summaryRead(failed);
    }
}

void JobWatcher::fill(Tracked& job, const JobRequest& request) {
    const std::filesystem::path folder = job.folder.path();
    QStringList there;
    for (auto file = request.files.begin(); file != request.files.end(); ++file) {
        if (file.key() == kExpectedName && file.value().isEmpty())
            continue; // nothing was measured
        writeFileAtomically(folder / file.key().toStdString(), file.value().toStdString());
        if (file.key() != kExpectedName)
            there.append(file.key());
    }
    if (request.target.kind == TargetKind::Local) {
        startWorker(job);
        return;
    }
    writeRemoteRecord(folder, {request.target, {}, there, request.model});
    remote_->follow(folder, RemoteJob::Begin::Follow);
}

void JobWatcher::startWorker(Tracked& job) {
    const QString program = worker_.isEmpty() ? JobService::findWorker() : worker_;
    if (program.isEmpty()) {
        fail(job, u"job.no-worker"_s,
             tr("The worker program \"caldera\" was not found beside the studio or on PATH. "
                "Install it, or name it in the environment variable CALDERA_WORKER."));
        return;
    }
    try {
        job.process = caldera::startWorker(job.folder, toPath(program));
    } catch (const Error& error) {
        job.process = 0;
        fail(job, QString::fromStdString(error.code()), QString::fromUtf8(error.what()));
    }
}

void JobWatcher::fail(Tracked& job, const QString& code, const QString& sentence) {
    JobState state = job.folder.state();
    state.phase = "failed";
    state.code = code.toStdString();
    state.message = sentence.toStdString();
    job.folder.writeState(state);
}

void JobWatcher::cancel(const QString& id) {
    Tracked* job = find(id);
    // One that is lost on another machine hears of it when it is reached again.
    const bool isLost = job && (remote_->isFollowing(id) || job->last.mayRunThere());
    if (!job || (hasEnded(job->last.phase) && !isLost))
        return;
    try {
        job->folder.requestCancel();
        if (isLost) // hears of it at once, not after its wait for the next try
            remote_->follow(job->folder.path(), RemoteJob::Begin::Follow);
        const bool unstarted = job->last.phase == "queued"_L1 && !job->folder.workerAlive() &&
                               (job->process == 0 || !processRuns(job->process));
        if (unstarted) {
            JobState state = job->folder.state();
            state.phase = "cancelled";
            job->folder.writeState(state);
        }
        look(*job);
    } catch (const std::exception& error) {
        Q_EMIT requestFailed(id, QString::fromUtf8(error.what()));
    }
}

void JobWatcher::pause(const QString& id) {
    Tracked* job = find(id);
    if (!job || hasEnded(job->last.phase))
        return;
    try {
        job->folder.requestPause();
    } catch (const std::exception& error) {
        Q_EMIT requestFailed(id, QString::fromUtf8(error.what()));
    }
}

void JobWatcher::resume(const QString& id) {
    Tracked* job = find(id);
    if (!job)
        return;
    try {
        if (job->last.phase == "paused"_L1) {
            job->folder.requestContinue();
            remote_->letGoOn(id);
            return;
        }
        if (!hasEnded(job->last.phase) || job->last.phase == "done"_L1)
            return;
        const bool isOnlyUnreached = job->last.mayRunThere();
        if (!remote_->isFollowing(id) && !isOnlyUnreached)
            queueAgain(job->folder);
        if (job->last.host.isEmpty())
            startWorker(*job);
        else
            remote_->follow(job->folder.path(),
                            isOnlyUnreached ? RemoteJob::Begin::Follow : RemoteJob::Begin::Restart);
        look(*job);
    } catch (const std::exception& error) {
        Q_EMIT requestFailed(id, QString::fromUtf8(error.what()));
    }
}

void JobWatcher::revise(const QString& id, const QByteArray& plan, const QByteArray& expected) {
    const Tracked* job = find(id);
    if (!job)
        return;
    try {
        revisePlan(job->folder, plan.toStdString());
        if (!expected.isEmpty())
            writeFileAtomically(job->folder.path() / kExpectedName.data(), expected.toStdString());
    } catch (const std::exception& error) {
        Q_EMIT requestFailed(id, QString::fromUtf8(error.what()));
    }
}

void JobWatcher::useTargets(const QList<Target>& targets) {
    targets_ = targets;
}

void JobWatcher::remove(const QString& id) {
    Tracked* job = find(id);
    if (!job || !hasEnded(job->last.phase))
        return;
    remote_->forget(id);
    const QString folder = job->last.folder;
    QFile file(folder);
    if (!folder.isEmpty() && file.exists() && !file.moveToTrash()) {
        Q_EMIT requestFailed(id, tr("The job's folder %1 could not be moved to the wastebasket: "
                                    "%2. It is unchanged; delete it by hand if it is not needed.")
                                     .arg(folder, file.errorString()));
        return;
    }
    jobs_.remove(id);
    Q_EMIT removed(id);
}

JobWatcher::Tracked* JobWatcher::find(const QString& id) {
    const auto found = jobs_.constFind(id);
    return found == jobs_.constEnd() ? nullptr : found->get();
}

} // namespace caldera::studio
