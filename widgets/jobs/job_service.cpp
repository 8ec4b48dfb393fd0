#include "widgets/jobs/job_service.h"

#include <algorithm>

#include <QCoreApplication>
#include <QFileInfo>
#include <QStandardPaths>

#include "core/job/job_folder.h"
#include "widgets/jobs/job_watcher.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

bool JobSummary::active() const {
    return phase == "queued"_L1 || phase == "preparing"_L1 || phase == "running"_L1 ||
           phase == "paused"_L1 || phase == "fetching"_L1 || phase == "connecting"_L1;
}

/// One that is lost because its worker died has no error code.
bool JobSummary::mayRunThere() const {
    return phase == "lost"_L1 && !code.isEmpty();
}

bool JobSummary::canBeCancelled() const {
    return active() || mayRunThere();
}

bool JobSummary::canPause() const {
    return active() && phase != "paused"_L1 && phase != "fetching"_L1 && kind != "serve"_L1;
}

bool JobSummary::canBeResumed() const {
    return phase == "paused"_L1 || (!active() && phase != "done"_L1);
}

bool JobSummary::hasModelThere() const {
    return phase == "done"_L1 && kind == "compress"_L1 && !hostFolder.isEmpty();
}

JobService::JobService(QString root, QString worker, QObject* parent)
    : QObject(parent), root_(std::move(root)),
      watcher_(new JobWatcher(root_, std::move(worker), logins_, pods_)) {
    watcher_->moveToThread(&thread_);
    connect(&thread_, &QThread::finished, watcher_, &QObject::deleteLater);
    connect(&thread_, &QThread::started, watcher_, &JobWatcher::begin);
    connect(watcher_, &JobWatcher::summaryRead, this, &JobService::takeSummary);
    connect(watcher_, &JobWatcher::eventsRead, this, &JobService::takeEvents);
    connect(watcher_, &JobWatcher::expectedRead, this, &JobService::takeExpected);
    connect(watcher_, &JobWatcher::removed, this, &JobService::takeRemoval);
    connect(watcher_, &JobWatcher::requestFailed, this, &JobService::requestFailed);
    connect(watcher_, &JobWatcher::serverReached, this, &JobService::serverReached);
    connect(watcher_, &JobWatcher::listed, this, [this] {
        ready_ = true;
        Q_EMIT becameReady();
    });
    thread_.setObjectName("jobs"_L1);
    thread_.start();
}

JobService::~JobService() {
    logins_.close();
    // What was asked for before (a start, a cancel) is done before the thread ends.
    QMetaObject::invokeMethod(watcher_, &JobWatcher::stop, Qt::BlockingQueuedConnection);
    thread_.quit();
    thread_.wait();
}

QString JobService::start(const QString& kind, const QString& title, const QStringList& arguments) {
    return start({kind, title, arguments, {}, {}, {}});
}

QString JobService::start(const JobRequest& request) {
    JobSummary job;
    job.id = QString::fromStdString(newJobId());
    job.kind = request.kind;
    job.title = request.title;
    job.arguments = request.arguments;
    job.created = QDateTime::currentDateTimeUtc();
    job.folder = folderOf(job.id);
    job.outFolder = job.folder + "/out"_L1;
    job.host = request.target.kind == TargetKind::Local ? QString() : request.target.name;
    job.model = request.model;
    job.isOnPod = request.target.kind == TargetKind::Pod;
    job.phase = u"queued"_s;
    takeSummary(job);
    QMetaObject::invokeMethod(
        watcher_, [watcher = watcher_, job, request] { watcher->launch(job, request); });
    return job.id;
}

void JobService::cancel(const QString& id) {
    QMetaObject::invokeMethod(watcher_, [watcher = watcher_, id] { watcher->cancel(id); });
}

void JobService::pause(const QString& id) {
    QMetaObject::invokeMethod(watcher_, [watcher = watcher_, id] { watcher->pause(id); });
}

void JobService::resume(const QString& id) {
    JobSummary now = job(id);
    if (now.isOnPod && !now.active() && now.phase != "done"_L1) {
        now.phase = u"queued"_s; // at once: who ends pods of jobs that are over must not see it so
        takeSummary(now);
    }
    Q_EMIT resuming(id);
    QMetaObject::invokeMethod(watcher_, [watcher = watcher_, id] { watcher->resume(id); });
}

void JobService::revise(const QString& id, const QByteArray& plan, const QByteArray& expected) {
    QMetaObject::invokeMethod(watcher_, [watcher = watcher_, id, plan, expected] {
        watcher->revise(id, plan, expected);
    });
}

void JobService::useTargets(const QList<Target>& targets) {
    QMetaObject::invokeMethod(watcher_,
                              [watcher = watcher_, targets] { watcher->useTargets(targets); });
}

void JobService::remove(const QString& id) {
    const JobSummary known = job(id);
    if (known.id.isEmpty() || known.active())
        return;
    QMetaObject::invokeMethod(watcher_, [watcher = watcher_, id] { watcher->remove(id); });
}

QList<JobSummary> JobService::jobs() const {
    QList<JobSummary> all;
    all.reserve(jobs_.size());
    for (const Entry& entry : jobs_)
        all.append(entry.summary);
    std::sort(all.begin(), all.end(), [](const JobSummary& a, const JobSummary& b) {
        return a.created != b.created ? a.created > b.created : a.id < b.id;
    });
    return all;
}

QList<JobSummary> JobService::running() const {
    QList<JobSummary> all = jobs();
    all.removeIf([](const JobSummary& job) { return !job.active(); });
    return all;
}

JobSummary JobService::job(const QString& id) const {
    return jobs_.value(id).summary;
}

const JobHistory& JobService::history(const QString& id) const {
    static const JobHistory empty;
    const auto found = jobs_.constFind(id);
    return found == jobs_.constEnd() ? empty : found->history;
}

QString JobService::folderOf(const QString& id) const {
    return root_ + u'/' + id;
}

QString JobService::findWorker() {
    const QString here = QCoreApplication::applicationDirPath();
    const QString named = qEnvironmentVariable("CALDERA_WORKER");
    for (const QString& path : {named, here + "/caldera"_L1, here + "/../cli/caldera"_L1}) {
        const QFileInfo file(path);
        if (!path.isEmpty() && file.isFile() && file.isExecutable())
            return file.absoluteFilePath();
    }
    return QStandardPaths::findExecutable("caldera"_L1);
}

void JobService::takeSummary(const JobSummary& summary) {
    const bool known = jobs_.contains(summary.id);
    Entry& entry = jobs_[summary.id];
    if (known && entry.summary == summary)
        return;
    entry.summary = summary;
    if (known)
        Q_EMIT jobChanged(summary.id);
    else
        Q_EMIT jobAdded(summary.id);
}

void JobService::takeEvents(const QString& id, const QList<QJsonObject>& events) {
    for (const QJsonObject& event : events) {
        const auto entry = jobs_.find(id);
        if (entry == jobs_.end())
            return;
        if (entry->history.apply(event))
            Q_EMIT jobEvent(id, event);
    }
}

void JobService::takeExpected(const QString& id, const std::map<Cell, ExpectedError>& expected) {
    const auto entry = jobs_.find(id);
    if (entry == jobs_.end())
        return;
    entry->history.expect(expected);
    Q_EMIT jobChanged(id);
}

void JobService::takeRemoval(const QString& id) {
    if (jobs_.remove(id) > 0)
        Q_EMIT jobRemoved(id);
}

} // namespace caldera::studio
