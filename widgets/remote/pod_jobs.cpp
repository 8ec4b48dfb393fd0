#include "widgets/remote/pod_jobs.h"

#include <QDir>
#include <QScopedValueRollback>

#include "core/base/error.h"
#include "widgets/remote/pod_key.h"
#include "widgets/remote/when_done.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr auto kFolder = "/caldera-jobs"_L1; // on the volume
constexpr double kLeastBudget = 0.01;        // US dollars

/// Why a pod does not work any more, for the job that was on it.
PodEnd endOf(const PodRecord& record) {
    return record.failure.isEmpty() ? podEnd(record.reason, record.cap, record.idleMinutes)
                                    : PodEnd{"pod.failed", record.failure.toStdString()};
}

bool isOver(const JobSummary& job) {
    return job.phase == "done"_L1 || job.phase == "cancelled"_L1 || job.phase == "failed"_L1;
}

} // namespace

PodJobs::PodJobs(JobService& jobs, PodService& pods, QString keys, WithProvider withProvider,
                 Renew renew, QObject* parent)
    : QObject(parent), jobs_(jobs), pods_(pods), keys_(std::move(keys)),
      withProvider_(std::move(withProvider)), renew_(std::move(renew)) {
    connect(&pods_, &PodService::rentalAdded, this, [this](PodRental* rental) { follow(*rental); });
    connect(&jobs_, &JobService::jobAdded, this, &PodJobs::settle);
    connect(&jobs_, &JobService::jobChanged, this, [this](const QString& id) {
        takeProgress(id);
        settle(id);
    });
    connect(&jobs_, &JobService::jobEvent, this, &PodJobs::noteActivity);
    connect(&jobs_, &JobService::resuming, this, &PodJobs::rentAgain);
    connect(&jobs_, &JobService::serverReached, this,
            [this](const QString& id, int port) { served_.insert(port, id); });
}

QString PodJobs::keyFile(const QString& job) const {
    return QDir(keys_).filePath(job);
}

void PodJobs::takeRecords(const QList<PodRecord>& records) {
    for (const PodRecord& record : records) {
        records_.insert(record.jobId, record);
    }
    hasRecords_ = true;
    for (const JobSummary& job : jobs_.jobs()) {
        settle(job.id);
        Q_EMIT costChanged(job.id);
    }
}

std::optional<PodRecord> PodJobs::recordOf(const QString& job) const {
    if (const PodRental* rental = pods_.rental(job)) {
        return rental->record();
    }
    const auto found = records_.constFind(job);
    return found == records_.constEnd() ? std::nullopt : std::optional(*found);
}

QString PodJobs::start(JobRequest request, const PodOrder& order) {
    PodRecord record;
    record.request = order.request;
    record.cap = order.cap;
    record.idleMinutes = order.idleMinutes;
    const QString folder = order.request.volumePath + kFolder;
    const double price = order.hourlyPrice > 0 ? order.hourlyPrice : order.request.ceiling;
    checkPodJob(order.request, folder + "/job"_L1, {order.work, price}, order.cap);
    request.target = {TargetKind::Pod, u"RunPod"_s, {}, folder, {}, {}};
    QString id;
    {
        // The job appears before its pod is ordered: until then it is not one that lost its pod.
        const QScopedValueRollback starting(isStarting_, true);
        id = jobs_.start(request);
    }
    record.jobFolder = folder + u'/' + id;
    this->order(id, record);
    return id;
}

PodOrder PodJobs::orderLike(const QString& like) const {
    const std::optional<PodRecord> record = recordOf(like);
    if (!record) {
        throw Error("pod.unknown", tr("What this job's pod was is not known any more. Start the "
                                      "job from Plan, or by its files on the volume.")
                                       .toStdString());
    }
    const PodRecord now = renew_(*record);
    return {now.request, now.cap, now.idleMinutes, {}};
}

QString PodJobs::startLike(const QString& like, const JobRequest& request) {
    return start(request, orderLike(like));
}

void PodJobs::rentAgain(const QString& job) {
    const std::optional<PodRecord> before = recordOf(job);
    if (!jobs_.job(job).isOnPod || ordered_.contains(job)) {
        return;
    }
    if (before && !before->over()) {
        if (before->phase >= PodPhase::Stopping) {
            awaitEnd(job);
        }
        return;
    }
    jobs_.pods().expect(job);
    if (!before) {
        close(job, Error("pod.unknown",
                         tr("What this job's pod was is not known any more. Start a new job; its "
                            "model and its worker are still on the volume.")
                             .toStdString()));
        return;
    }
    PodRecord record = renew_(*before);
    record.spentBefore = record.spent;
    PodWork nothing;
    nothing.workSeconds = 0;
    const double start = quotePod(nothing, record.request.ceiling, record.request.volume).dollars();
    if (record.spent + start > record.cap) {
        close(job, Error("pod.cap", tr("The job has cost %1 of %2 allowed, and starting another "
                                       "pod costs up to %3. Raise what a job may cost under Run, "
                                       "Rented pods…, then resume.")
                                        .arg(dollarText(record.spent), dollarText(record.cap),
                                             dollarText(start))
                                        .toStdString()));
        return;
    }
    order(job, record);
}

/// The job's last pod is on its way out, and another one follows it.
void PodJobs::awaitEnd(const QString& job) {
    if (waiting_.contains(job)) {
        return;
    }
    jobs_.pods().expect(job);
    auto* patience = new QTimer(this);
    patience->setSingleShot(true);
    connect(patience, &QTimer::timeout, this, [this, job] { giveUpEnding(job); });
    patience->start(endingPatience_);
    waiting_.insert(job, patience);
    withProvider_(
        [this, job] {
            if (PodRental* rental = pods_.rental(job)) {
                takeChange(*rental);
            }
        },
        [this, job](const Error& error) {
            if (endWait(job)) {
                close(job, error);
            }
        });
}

/// Whether the job waited; it does no longer.
bool PodJobs::endWait(const QString& job) {
    QTimer* patience = waiting_.take(job);
    if (patience) {
        patience->deleteLater();
    }
    return patience != nullptr;
}

void PodJobs::giveUpEnding(const QString& job) {
    const PodRental* rental = pods_.rental(job);
    const QString problem = rental ? rental->problem() : QString();
    endWait(job);
    close(job, Error("pod.ending",
                     tr("The job's last pod could not be given back within %1 minutes, "
                        "and there is never more than one. %2 Resume tries again.")
                         .arg(std::chrono::ceil<std::chrono::minutes>(endingPatience_).count())
                         .arg(problem)
                         .toStdString()));
}

void PodJobs::order(const QString& job, PodRecord record) {
    jobs_.pods().expect(job);
    ordered_.insert(job);
    record.jobId = job;
    record.phase = PodPhase::Wanted;
    record.reason = PodStopReason::None;
    record.podId.clear();
    record.failure.clear();
    record.verified = false;
    record.request.name = podName(job);
    const auto failed = [this, job](const Error& error) {
        ordered_.remove(job);
        close(job, error);
    };
    const auto rent = [this, job, record, failed](const QString& publicKey) {
        if (!ordered_.remove(job) || isOver(jobs_.job(job))) {
            return; // called off meanwhile
        }
        PodRecord wanted = record;
        wanted.request.publicKey = publicKey;
        wanted.request.minimumCuda = bundle_.cuda; // another driver could not run the worker
        try {
            pods_.rent(wanted);
        } catch (const Error& error) {
            failed(error);
        }
    };
    withProvider_(
        [this, job, rent, failed] { whenDone(makePodKey(keyFile(job)), this, rent, failed); },
        failed);
}

void PodJobs::follow(PodRental& rental) {
    const QString job = rental.record().jobId;
    PodRental* known = &rental;
    connect(known, &PodRental::ready, this,
            [this, known](const SshEndpoint& endpoint) { open(known->record(), endpoint); });
    connect(known, &PodRental::aboutToStop, this, [this, known, job](PodStopReason) {
        jobs_.pods().warn(job, endOf(known->record()));
        jobs_.cancel(job);
    });
    connect(known, &PodRental::changed, this, [this, known] { takeChange(*known); });
}

void PodJobs::takeChange(PodRental& rental) {
    const QString job = rental.record().jobId;
    const PodPhase phase = rental.record().phase;
    records_.insert(job, rental.record()); // rentals go and come with the provider's key
    if (!rental.record().over()) {
        if (waiting_.contains(job) && phase >= PodPhase::Stopping && phase < PodPhase::Returning) {
            rental.giveBack(PodRental::Insist::Yes); // a stopped one would never be over
        }
        settle(job);
    } else if (endWait(job)) {
        rentAgain(job);
    } else {
        forgetPodKey(keyFile(job));
        settle(job);
    }
    Q_EMIT costChanged(job);
}

void PodJobs::open(const PodRecord& record, const SshEndpoint& endpoint) {
    PodAccess access{record.podId, endpoint, record.request.volumePath, bundle_, watch_};
    access.ssh.identityFile = keyFile(record.jobId);
    access.watch.cap = record.cap;
    // Never 0, which would be no limit.
    access.watch.budget = std::max(kLeastBudget, record.cap - record.spentBefore);
    access.watch.idleMinutes = record.idleMinutes;
    jobs_.pods().open(record.jobId, access);
}

/// Brings job and pod together: the end of either ends the other.
void PodJobs::settle(const QString& id) {
    const JobSummary job = jobs_.job(id);
    if (isStarting_ || !job.isOnPod || ordered_.contains(id) || waiting_.contains(id)) {
        return;
    }
    PodRental* rental = pods_.rental(id);
    const std::optional<PodRecord> record = recordOf(id);
    if (rental && !rental->record().over()) {
        const PodPhase phase = rental->record().phase;
        if (isOver(job) && phase < PodPhase::Returning) {
            if (job.phase == "done"_L1) {
                rental->markVerified(); // it is "done" when all of it is here, hash by hash
            }
            rental->giveBack(PodRental::Insist::Yes); // else it is on the volume
        } else if (phase == PodPhase::Stopped) {
            const PodEnd end = endOf(*record);
            close(id, Error(end.code, end.sentence));
        }
    } else if (!isOver(job) && record && record->over()) {
        const PodEnd end = endOf(*record);
        close(id, Error(end.code, end.sentence));
    } else if (!isOver(job) && !record && hasRecords_) {
        close(id, Error("pod.none", tr("The studio ended before a pod was rented for this job. "
                                       "Nothing was spent. Start it again.")
                                        .toStdString()));
    }
}

void PodJobs::close(const QString& job, const Error& error) {
    jobs_.pods().close(job, {error.code(), error.what()});
}

void PodJobs::noteActivity(const QString& job) {
    if (PodRental* rental = pods_.rental(job)) {
        rental->noteActivity();
    }
}

void PodJobs::noteUse(const QUrl& server) {
    const auto found = served_.constFind(server.port());
    if (found != served_.constEnd()) {
        noteActivity(*found);
    }
}

/// A job that gets on is not idle. One that is set up tells nothing for a while, and its set-up has
/// limits of its own (PodHost::setUp).
void PodJobs::takeProgress(const QString& id) {
    const JobSummary job = jobs_.job(id);
    PodRental* rental = pods_.rental(id);
    if (!rental) {
        return;
    }
    rental->setOccupied(job.phase == "preparing"_L1 && job.stage == "set-up"_L1);
    if (job.phase == "running"_L1 || job.phase == "fetching"_L1 || job.stage == "send-worker"_L1 ||
        job.stage == "fetch-model"_L1) {
        rental->noteActivity();
    }
}

std::optional<PodCost> PodJobs::cost(const QString& job) const {
    const std::optional<PodRecord> record = recordOf(job);
    if (!record) {
        return std::nullopt;
    }
    PodCost cost;
    cost.phase = record->phase;
    cost.gpu = record->request.gpus.value(0);
    cost.spent = record->spent;
    cost.cap = record->cap;
    cost.monthly = record->request.volume.monthlyPrice;
    if (const PodRental* rental = pods_.rental(job)) {
        cost.gpu = rental->pod().gpu.isEmpty() ? cost.gpu : rental->pod().gpu;
        cost.hourly = rental->hourlyPrice();
        cost.problem = rental->problem();
    }
    return cost;
}

} // namespace caldera::studio
