#include "widgets/remote/remote_job.h"

#include <algorithm>
#include <chrono>

#include <QFile>
#include <QProcess>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/job/progress.h"
#include "widgets/remote/cell_fetch.h"
#include "widgets/remote/remote_host.h"
#include "widgets/remote/remote_launch.h"
#include "widgets/remote/slurm.h"
#include "widgets/remote/ssh_session.h"
#include "widgets/remote/verified_fetch.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

namespace fs = std::filesystem;

constexpr int kLookEvery = 100;               // ms
constexpr qint64 kSilence = 30'000;           // ms; the host beats every 2 s
constexpr qint64 kAnswerEvery = 5'000;        // ms; the host gives a silent reader up after 60 s
constexpr qint64 kGoodConnection = 10'000;    // ms; after it the waits begin anew
constexpr qint64 kAskSchedulerEvery = 10'000; // ms
constexpr int kLongestWait = 60;              // s, between two attempts

QByteArray readAll(const fs::path& path) {
    QFile file(QString::fromStdString(path.string()));
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

RemoteJob::RemoteJob(const fs::path& folder, AskPerson ask, Reached reached)
    : folder_(folder), ask_(std::move(ask)), tunnel_(folder_, std::move(reached)) {}

RemoteJob::~RemoteJob() = default;

std::string RemoteJob::host() const {
    return record_.target.name.isEmpty() ? record_.target.ssh.host.toStdString()
                                         : record_.target.name.toStdString();
}

void RemoteJob::run(Begin begin, const std::stop_token& stop) {
    try {
        const JobLock lock(folder_);
        record_ = readRemoteRecord(folder_.path());
        state_ = folder_.state();
        int attempt = 0;
        for (bool isOver = false; !isOver;) {
            QElapsedTimer clock;
            clock.start();
            try {
                follow(begin, stop);
                isOver = true;
            } catch (const ConnectionError& error) {
                attempt = clock.elapsed() > kGoodConnection ? 0 : attempt;
                isOver = !waitToRetry(attempt++, error.what(), stop);
            }
            cells_.reset();
            tunnel_.reset(); // it may go through the session
            session_.reset();
            begin = Begin::Follow;
        }
    } catch (const Cancelled&) {
        // The studio closes; the job goes on there and is followed again by the next one.
    } catch (const Error& error) {
        if (error.code() != "job.busy") {
            tell("failed", error.what(), error.code());
        }
    } catch (const std::exception& error) {
        tell("failed", std::string("Unexpected failure: ") + error.what(), "internal");
    }
}

void RemoteJob::retryNow() {
    const std::scoped_lock guard(mutex_);
    retryNow_ = true;
    woken_.notify_all();
}

/// False when the job is not to be followed any longer.
bool RemoteJob::waitToRetry(int attempt, const std::string& why, const std::stop_token& stop) {
    const int seconds = std::min(kLongestWait, 1 << std::min(attempt, 6));
    tell("lost",
         why + " The job goes on there if it was started. Trying again in " +
             durationText(seconds) + ".",
         "remote.connection");
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, stop, std::chrono::seconds(seconds), [this] { return retryNow_; });
    retryNow_ = false;
    if (stop.stop_requested()) {
        throw Cancelled();
    }
    return true;
}

void RemoteJob::follow(Begin begin, const std::stop_token& stop) {
    if (state_.phase == "queued" || begin == Begin::Restart) {
        tell("preparing", {});
    }
    session_ = std::make_unique<SshSession>(record_.target.ssh);
    const std::unique_ptr<Askpass> askpass = ask_ ? std::make_unique<Askpass>(ask_) : nullptr;
    session_->connect(askpass.get(), stop);
    worker_ = workerCommand(record_.target, *session_, stop);
    if (!record_.started) {
        prepare(stop);
    }
    launch(begin, stop);
    cells_ = std::make_unique<CellFetch>(*session_, record_.folder + "/cells"_L1, folder_.cells());
    stream(stop);
    finish(stop);
}

/// Puts job.json and its files there; doing it twice changes nothing.
void RemoteJob::prepare(const std::stop_token& stop) {
    checkTools(*session_, stop);
    checkWorker(worker_, *session_, stop);
    JobSpec spec = folder_.spec();
    if (record_.folder.isEmpty()) {
        const QString root = expandHome(record_.target.folder, *session_, stop);
        record_.folder = root + u'/' + QString::fromStdString(spec.id);
        writeRemoteRecord(folder_.path(), record_);
    }
    const QString there = shellWord(record_.folder);
    session_->require("mkdir -p "_L1 + there + "/out "_L1 + there + "/cells"_L1, "remote.folder",
                      stop);
    const QStringList arguments = argumentsThere();
    for (size_t i = 0; i < spec.arguments.size(); ++i) {
        spec.arguments[i] = arguments[static_cast<qsizetype>(i)].toStdString();
    }
    const auto put = [&](const QString& name, const QByteArray& bytes) {
        const QString file = shellWord(record_.folder + u'/' + name);
        session_->require("cat > "_L1 + file + ".tmp && mv "_L1 + file + ".tmp "_L1 + file,
                          "remote.folder", stop, bytes);
    };
    for (const QString& name : std::as_const(record_.files)) {
        put(name, readAll(folder_.path() / name.toStdString()));
    }
    put(u"job.json"_s, QByteArray::fromStdString(specText(spec)));
    record_.plan = planHash(folder_);
}

RemotePlace RemoteJob::place() const {
    return {*session_, record_.target, record_.folder, worker_};
}

/// With the job's folder there in its place.
QStringList RemoteJob::argumentsThere() const {
    QStringList arguments;
    for (const std::string& word : folder_.spec().arguments) {
        arguments.append(QString::fromStdString(word).replace(kJobFolderWord, record_.folder));
    }
    return arguments;
}

void RemoteJob::launch(Begin begin, const std::stop_token& stop) {
    if (record_.started && begin != Begin::Restart) {
        return;
    }
    launchRemotely(place(), argumentsThere(), record_.started, stop);
    record_.started = true;
    writeRemoteRecord(folder_.path(), record_);
}

/// Follows the events until the job is over there.
void RemoteJob::stream(const std::stop_token& stop) {
    const QByteArray have = readAll(folder_.events());
    const QString hash = QString::fromStdString(sha256Hex(have.toStdString()));
    const bool isScheduled = record_.target.kind == TargetKind::Slurm;
    const auto process = startProcess(
        session_->command(worker_ + " job follow "_L1 + shellWord(record_.folder) + " --from "_L1 +
                          QString::number(have.size()) + " --prefix "_L1 + hash +
                          (isScheduled ? u" --scheduled"_s : QString())));
    ended_ = false;
    forwarded_.clear();
    asked_.invalidate();
    tunnel_.reset();
    try {
        readStream(*process, stop);
    } catch (...) {
        endProcess(*process);
        throw;
    }
    endProcess(*process);
}

void RemoteJob::readStream(QProcess& process, const std::stop_token& stop) {
    FollowParser parser;
    QElapsedTimer heard;
    QElapsedTimer answered;
    heard.start();
    answered.start();
    while (!ended_) {
        process.waitForReadyRead(kLookEvery);
        const QByteArray bytes = process.readAllStandardOutput();
        for (const FollowFrame& frame :
             parser.feed({bytes.data(), static_cast<size_t>(bytes.size())})) {
            take(frame);
        }
        if (!bytes.isEmpty()) {
            heard.restart();
        } else if (process.state() == QProcess::NotRunning) {
            const std::string words = lastLine(process.readAllStandardError()).toStdString();
            if (process.exitStatus() == QProcess::NormalExit && process.exitCode() == 1) {
                throw Error("remote.follow", "On " + host() + ": " + words);
            }
            throw ConnectionError("The connection to " + host() + " broke. " + words);
        }
        if (heard.elapsed() > kSilence) {
            throw ConnectionError(host() + " does not answer.");
        }
        if (answered.elapsed() > kAnswerEvery) {
            process.write("\n");
            answered.restart();
        }
        forwardControl(stop);
        const RemotePlace there = place();
        revision_.forward(there, argumentsThere(), stop);
        askScheduler(stop);
        if (state_.phase == "running") {
            tunnel_.open(there, stop);
        }
        if (stop.stop_requested()) {
            throw Cancelled();
        }
    }
}

void RemoteJob::take(const FollowFrame& frame) {
    switch (frame.kind) {
    case FollowFrame::Kind::Events:
        appendEvents(frame);
        break;
    case FollowFrame::Kind::State:
        state_ = parseState(frame.bytes, folder_.path() / "state.json");
        if (!isFinalPhase(state_.phase)) {
            folder_.writeState(state_); // how it ended is told when the results are here
        }
        break;
    case FollowFrame::Kind::Beat:
        if (folder_.state().phase == "lost") {
            folder_.writeState(state_);
        }
        break;
    case FollowFrame::Kind::End:
        ended_ = true;
        break;
    }
}

/// One write, whole lines: a copy that is killed between two of them goes on from there.
void RemoteJob::appendEvents(const FollowFrame& frame) {
    const fs::path file = folder_.events();
    std::error_code error;
    const auto size = static_cast<int64_t>(fs::file_size(file, error));
    if (error || frame.offset == 0) {
        writeFileAtomically(file, frame.bytes);
    } else if (size == frame.offset) {
        QFile events(QString::fromStdString(file.string()));
        const auto length = static_cast<qint64>(frame.bytes.size());
        if (!events.open(QIODevice::Append | QIODevice::Unbuffered) ||
            events.write(frame.bytes.data(), length) != length) {
            events.resize(size);
            throw Error("job.events", "Cannot write the job's events to " + file.string() + ": " +
                                          events.errorString().toStdString() +
                                          ". Free some space, then resume the job.");
        }
    } else {
        throw ConnectionError("The events of " + host() + " do not fit those that are here.");
    }
    if (frame.bytes.find("\"event\":\"cell\"") != std::string::npos && cells_) {
        cells_->request();
    }
}

/// Passes on what the folder's control file asks for.
void RemoteJob::forwardControl(const std::stop_token& stop) {
    const std::string wanted = folder_.cancelRequested()  ? "cancel"
                               : folder_.pauseRequested() ? "pause"
                               : forwarded_ == "pause"    ? "continue"
                                                          : "";
    if (wanted.empty() || wanted == forwarded_) {
        return;
    }
    steerRemotely(place(), QString::fromStdString(wanted), stop);
    forwarded_ = wanted == "continue" ? "" : wanted;
}

/// A job that the scheduler dropped (its node failed, somebody took it out) says nothing any more.
void RemoteJob::askScheduler(const std::stop_token& stop) {
    if (record_.target.kind != TargetKind::Slurm || ended_ ||
        (asked_.isValid() && asked_.elapsed() < kAskSchedulerEvery)) {
        return;
    }
    const bool isFirst = !asked_.isValid();
    asked_.start();
    if (isFirst || slurmHasJob(place(), stop)) {
        missed_ = 0;
    } else if (++missed_ > 1) { // its last words may be on their way
        state_.phase = "lost";
        ended_ = true;
    }
}

void RemoteJob::finish(const std::stop_token& stop) {
    cells_.reset();
    if (state_.phase == "done") {
        fetchResults(stop);
    }
    std::string message = state_.message;
    if (state_.phase == "lost") {
        message = "The worker on " + host() +
                  " ended without a word: the machine was switched off, or memory ran out. Resume "
                  "goes on with what is finished.";
    }
    tell(state_.phase, message, state_.code);
    folder_.clearControl();
}

void RemoteJob::fetchResults(const std::stop_token& stop) {
    EtaClock eta;
    JobState fetching = state_;
    fetching.phase = "fetching";
    fetching.stage = "fetch";
    VerifiedFetch fetch{*session_, record_.folder + "/out"_L1, folder_.out()};
    fetch.tell = [&](qint64 done, qint64 total) {
        fetching.fraction =
            total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0.0;
        fetching.etaSeconds = eta.update(done, total);
        folder_.writeState(fetching);
    };
    folder_.writeState(fetching);
    fetch.run(stop);
    record_.verified = true;
    writeRemoteRecord(folder_.path(), record_);
    fs::remove_all(folder_.cells()); // the worker has joined them, there as here
}

void RemoteJob::tell(const std::string& phase, const std::string& message,
                     const std::string& code) {
    JobState state = state_;
    state.phase = phase;
    state.message = message;
    state.code = code;
    state.etaSeconds = -1;
    folder_.writeState(state);
}

} // namespace caldera::studio
