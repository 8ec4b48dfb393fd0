#include "widgets/remote/remote_job.h"

#include <algorithm>
#include <chrono>

#include "core/base/text.h"
#include "core/job/progress.h"
#include "widgets/remote/cell_fetch.h"
#include "widgets/remote/event_copy.h"
#include "widgets/remote/model_fetch.h"
#include "widgets/remote/pod_desk.h"
#include "widgets/remote/pod_host.h"
#include "widgets/remote/remote_host.h"
#include "widgets/remote/ssh_session.h"
#include "widgets/remote/worker_install.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

namespace fs = std::filesystem;

constexpr qint64 kGoodConnection = 10'000; // ms; after it the waits begin anew
constexpr int kLongestWait = 60;           // s, between two attempts

} // namespace

RemoteJob::RemoteJob(const fs::path& folder, AskPerson ask, PodDesk& desk, Reached reached)
    : folder_(folder), ask_(std::move(ask)), desk_(desk), tunnel_(folder_, std::move(reached)) {}

RemoteJob::~RemoteJob() = default;

std::string RemoteJob::host() const {
    return record_.target.name.isEmpty() ? record_.target.ssh.host.toStdString()
                                         : record_.target.name.toStdString();
}

HostSetUp RemoteJob::setUp(const std::stop_token& stop) const {
    return {*session_, QString::fromStdString(folder_.path().filename().string()), stop};
}

RemotePlace RemoteJob::place() const {
    return {*session_, record_.target, record_.folder, worker_};
}

void RemoteJob::run(Begin begin, const std::stop_token& stop) {
    try {
        const JobLock lock(folder_);
        record_ = readRemoteRecord(folder_.path());
        state_ = folder_.state();
        begin_ = begin;
        if (record_.target.kind == TargetKind::Pod) {
            pod_ = std::make_unique<PodHost>(desk_, folder_);
        }
        int attempt = 0;
        for (bool isOver = false; !isOver;) {
            QElapsedTimer clock;
            clock.start();
            try {
                follow(stop);
                isOver = true;
            } catch (const ConnectionError& error) {
                attempt = clock.elapsed() > kGoodConnection ? 0 : attempt;
                waitToRetry(attempt++, error.what(), stop);
            }
            cells_.reset();
            tunnel_.reset(); // it may go through the session
            session_.reset();
        }
    } catch (const Cancelled&) {
        // The studio closes, the job goes on there and is followed again by the next one; or it was
        // called off.
        if (!stop.stop_requested()) {
            tellCalledOff();
        }
    } catch (const Error& error) {
        tellError(error);
    } catch (const std::exception& error) {
        tellEnd("failed", std::string("Unexpected failure: ") + error.what(), "internal");
    }
    isConnecting_ = false;
}

/// Whoever is not let in (another host key, a login that changed) knows nothing of a worker that
/// was started: it goes on there, and what was asked of it stands. A pod ends with its job.
void RemoteJob::tellError(const Error& error) {
    if (error.code() != "job.busy") {
        const bool mayRun = record_.started && !hasLoggedIn_ && !pod_;
        tellEnd(mayRun ? "lost" : "failed", error.what(), error.code());
    }
}

/// A pod that was made ready is given back with whatever runs on it.
void RemoteJob::tellCalledOff() {
    if (session_ && !pod_) {
        endScripts(*session_, setUp({}).sake); // what sets the host up goes on otherwise
    }
    const std::optional<PodEnd> why = pod_ ? pod_->warning() : std::nullopt;
    why ? tellEnd("failed", why->sentence, why->code) : tellEnd("cancelled", {});
    folder_.clearControl();
}

/// Where even this cannot be written (a full disk), a job that nobody follows shows as lost.
void RemoteJob::tellEnd(const std::string& phase, const std::string& message,
                        const std::string& code) {
    try {
        tell(phase, message, code);
    } catch (const std::exception&) {
        // There is nobody left to hear of it.
    }
}

void RemoteJob::retryNow() {
    const std::scoped_lock guard(mutex_);
    retryNow_ = true;
    woken_.notify_all();
}

void RemoteJob::waitToRetry(int attempt, const std::string& why, const std::stop_token& stop) {
    const int seconds = std::min(kLongestWait, 1 << std::min(attempt, 6));
    // A pod that was never reached is still on its way.
    const bool isAwaited = pod_ && record_.podId != pod_->podId();
    const auto tellWait = [&](int until) {
        tell(isAwaited ? "preparing" : "lost", why + " The job goes on there if it was started.",
             "remote.connection", until);
    };
    tellWait(seconds);
    isConnecting_ = false;
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, stop, std::chrono::seconds(seconds), [this] { return retryNow_; });
    retryNow_ = false;
    checkCancelled(stop);
    tellWait(0); // it is tried now
}

void RemoteJob::follow(const std::stop_token& stop) {
    if (state_.phase == "queued" || begin_ == Begin::Restart) {
        tell("preparing", {});
    }
    pod_ ? beginOnPod(stop) : begin(stop);
    cells_ = std::make_unique<CellFetch>(*session_, record_.folder + "/cells"_L1, folder_.cells());
    stream(stop);
    finish(stop);
}

void RemoteJob::connect(const std::stop_token& stop) {
    hasLoggedIn_ = false;
    session_ = std::make_unique<SshSession>(record_.target.ssh);
    const std::unique_ptr<Askpass> askpass = ask_ ? std::make_unique<Askpass>(ask_) : nullptr;
    session_->connect(askpass.get(), stop);
    hasLoggedIn_ = true;
    isConnecting_ = false;
}

void RemoteJob::begin(const std::stop_token& stop) {
    connect(stop);
    const bool begins = !record_.started || begin_ == Begin::Restart;
    if (begins) {
        installWorker(stop);
    }
    worker_ = workerCommand(record_.target, *session_, stop);
    if (!record_.started) {
        prepare(stop);
    }
    if (begins) {
        fetchModels({}, stop);
    }
    launch(stop);
}

/// The target's own bundle, if it has one. May take long, so it can be called off.
void RemoteJob::installWorker(const std::stop_token& outer) {
    if (!record_.target.bundle.isEmpty()) {
        const CancelToken either(folder_, outer);
        tellStage("set-up");
        installBundle(record_.target, setUp(either.token()),
                      [this](double share) { tellSending(share); });
    }
}

/// What the worker there does not find is fetched into `cache`; empty: where it looks by itself.
void RemoteJob::fetchModels(const QString& cache, const std::stop_token& outer) {
    const CancelToken either(folder_, outer);
    const std::stop_token stop = either.token();
    EtaClock eta;
    const auto tell = [&](qint64 done, qint64 total) {
        const double share =
            static_cast<double>(done) / static_cast<double>(qMax<qint64>(1, total));
        tellStage("fetch-model", share, eta.update(done, total));
        attend(stop);
    };
    for (const QString& model : hubModels(argumentsThere())) {
        fetchMissing(
            setUp(stop),
            {model, worker_, cache.isEmpty() ? hubCacheOf(*session_, stop) : cache, desk_.hub()},
            tell);
    }
}

/// All of it can be called off.
void RemoteJob::beginOnPod(const std::stop_token& outer) {
    const CancelToken either(folder_, outer);
    const std::stop_token stop = either.token();
    tellStage("pod");
    const bool isNew = pod_->await(record_, stop);
    connect(stop);
    if (isNew) {
        tellStage("set-up");
        pod_->setUp(setUp(stop), record_, [this](double share) { tellSending(share); });
    }
    worker_ = pod_->environment() + workerCommand(record_.target, *session_, stop);
    if (isNew) {
        prepare(stop);
    }
    pod_->startWatchdog(place(), stop); // first: from here on costs end without us
    if (isNew) {
        fetchModels(pod_->hubCache(), stop);
    }
    if (isNew && record_.started) {
        begin_ = Begin::Restart;
    }
    launch(stop);
}

/// Puts job.json and its files there; doing it twice changes nothing.
void RemoteJob::prepare(const std::stop_token& stop) {
    checkTools(*session_, stop);
    const WorkerFacts worker = checkWorker(worker_, *session_, stop);
    JobSpec spec = folder_.spec();
    if (record_.folder.isEmpty()) {
        const QString root = expandHome(record_.target.folder, *session_, stop);
        record_.folder = root + u'/' + QString::fromStdString(spec.id);
        writeRemoteRecord(folder_.path(), record_);
    }
    const QString there = shellWord(record_.folder);
    session_->require("mkdir -p "_L1 + there + "/out "_L1 + there + "/cells"_L1, "remote.folder",
                      stop);
    spec.arguments.clear();
    for (const QString& word : worker.hasGpu ? onGpu(argumentsThere()) : argumentsThere()) {
        spec.arguments.push_back(word.toStdString());
    }
    const auto put = [&](const QString& name, const QByteArray& bytes) {
        const QString file = shellWord(record_.folder + u'/' + name);
        session_->require("cat > "_L1 + file + ".tmp && mv "_L1 + file + ".tmp "_L1 + file,
                          "remote.folder", stop, bytes);
    };
    for (const QString& name : std::as_const(record_.files)) {
        put(name, bytesOf(folder_.path() / name.toStdString()));
    }
    put(u"job.json"_s, QByteArray::fromStdString(specText(spec)));
    record_.plan = planHash(folder_);
}

/// With the job's folder there in its place.
QStringList RemoteJob::argumentsThere() const {
    QStringList arguments;
    for (const std::string& word : folder_.spec().arguments) {
        arguments.append(QString::fromStdString(word).replace(kJobFolderWord, record_.folder));
    }
    // Of a cluster the login node, which has none as a rule, says nothing.
    return record_.target.slurm.gpus.isEmpty() ? arguments : onGpu(arguments);
}

/// Only then a restart is done with, however often the connection broke before.
void RemoteJob::launch(const std::stop_token& stop) {
    if (record_.started && begin_ != Begin::Restart) {
        return;
    }
    // What is finished and was not fetched is only fetched.
    const bool again = record_.started || begin_ == Begin::Restart; // a start may have failed there
    if (!again || !isDoneThere(place(), stop)) {
        if (record_.started) {
            checkWorker(worker_, *session_, stop); // it may be another one by now
        }
        launchRemotely(place(), argumentsThere(), again, stop);
    }
    begin_ = Begin::Follow;
    record_.started = true;
    record_.podId = pod_ ? pod_->podId() : QString();
    writeRemoteRecord(folder_.path(), record_);
}

} // namespace caldera::studio
