// What a job on another machine tells while it is followed, and what is brought home at its end.
#include "widgets/remote/remote_job.h"

#include <QProcess>

#include "core/artifact/artifact.h"
#include "core/base/hash.h"
#include "core/job/event.h"
#include "core/job/progress.h"
#include "widgets/remote/cell_fetch.h"
#include "widgets/remote/event_copy.h"
#include "widgets/remote/pod_host.h"
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
constexpr qint64 kAskSchedulerEvery = 10'000; // ms

/// The hash of the compressed model that the worker says it has made; empty: it made none.
std::string promisedArtifact(const JobFolder& folder) {
    std::string hash;
    for (const Event& event : EventReader(folder.events()).poll()) {
        if (event.kind == "artifact" && event.number("bytes") > 0) {
            hash = event.text("hash");
        }
    }
    return hash;
}

} // namespace

/// Follows the events until the job is over there.
void RemoteJob::stream(const std::stop_token& stop) {
    const QByteArray have = bytesOf(folder_.events());
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
            throw ConnectionError("The connection to " + host() + " broke." +
                                  (words.empty() ? words : " " + words));
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
        attend(stop);
        checkCancelled(stop);
    }
}

void RemoteJob::take(const FollowFrame& frame) {
    switch (frame.kind) {
    case FollowFrame::Kind::Events:
        appendEvents(folder_, frame, host());
        if (frame.bytes.find("\"event\":\"cell\"") != std::string::npos && cells_) {
            cells_->request();
        }
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

/// Passes on what the folder's control file asks for.
void RemoteJob::forwardControl(const std::stop_token& stop) {
    const std::string wanted = folder_.cancelRequested()              ? "cancel"
                               : folder_.pauseRequested()             ? "pause"
                               : forwarded_ == "pause" || isReleased_ ? "continue"
                                                                      : "";
    if (wanted.empty() || wanted == forwarded_) {
        return;
    }
    steerRemotely(place(), QString::fromStdString(wanted), stop);
    isReleased_ = false;
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
    const std::optional<QByteArray> queue = slurmQueue(place(), stop);
    if (queue && state_.phase == "queued") {
        const QString reason = queueReason(*queue);
        tell("queued", reason.isEmpty()
                           ? std::string()
                           : "In the queue of " + host() + ": " + reason.toStdString() + ".");
    }
    if (isFirst || !queue || queueGoesOn(*queue)) {
        missed_ = 0;
    } else if (++missed_ > 1) { // its last words may be on their way
        state_.phase = "lost";
        ended_ = true;
    }
}

/// Whoever ends idle pods hears that somebody is here; who is gone is called again.
void RemoteJob::attend(const std::stop_token& stop) {
    if (pod_) {
        pod_->check();
        pod_->attend(place(), stop);
    }
}

void RemoteJob::finish(const std::stop_token& stop) {
    cells_.reset();
    if (state_.phase == "done") {
        fetchResults(stop);
    }
    if (pod_) {
        state_ = pod_->explained(state_, place(), stop);
    }
    if (record_.target.kind == TargetKind::Slurm && state_.phase != "lost") {
        clearFromSlurm(place(), stop);
    }
    std::string message = state_.message;
    if (state_.phase == "lost") {
        message = "The worker on " + host() +
                  " ended without a word: the machine was switched off, or memory or disk ran out. "
                  "Resume goes on with what is finished.";
    }
    tell(state_.phase, message, state_.code);
    folder_.clearControl();
}

/// Every file is as it is there; but somebody may have tidied up there before it came.
void RemoteJob::requireWhole() const {
    const std::string promised = promisedArtifact(folder_);
    std::string reason = "it has another hash than it told.";
    try {
        if (promised.empty() || Artifact::open(folder_.out())->hash() == promised) {
            return;
        }
    } catch (const Error& error) {
        reason = error.what();
    }
    throw Error("remote.result", "What " + host() +
                                     " has is not the compressed model that its worker made: " +
                                     reason + " Start the job anew.");
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
        attend(stop);
    };
    folder_.writeState(fetching);
    fetch.run(stop);
    requireWhole();
    record_.verified = true;
    writeRemoteRecord(folder_.path(), record_);
    fs::remove_all(folder_.cells()); // the worker has joined them, there as here
}

void RemoteJob::tell(const std::string& phase, const std::string& message, const std::string& code,
                     double etaSeconds) {
    JobState state = state_;
    state.phase = phase;
    state.message = message;
    state.code = code;
    state.etaSeconds = etaSeconds;
    folder_.writeState(state);
}

/// What is there is unpacked and looked at next, which shows no progress.
void RemoteJob::tellSending(double share) {
    share < 1 ? tellStage("send-worker", share) : tellStage("set-up");
}

void RemoteJob::tellStage(const char* stage, double fraction, double etaSeconds) {
    JobState state = state_;
    state.phase = "preparing";
    state.stage = stage;
    state.fraction = fraction;
    state.etaSeconds = etaSeconds;
    state.message.clear();
    state.code.clear();
    folder_.writeState(state);
}

} // namespace caldera::studio
