#include "widgets/remote/pod_host.h"

#include <condition_variable>
#include <mutex>

#include "core/base/error.h"
#include "widgets/remote/host_key.h"
#include "widgets/remote/pod_desk.h"
#include "widgets/remote/remote_launch.h"
#include "widgets/remote/ssh_session.h"
#include "widgets/remote/worker_install.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(200);
constexpr qint64 kAttendEvery = 60'000; // ms; the watchdog's patience is minutes
constexpr auto kToolsLimit = std::chrono::minutes(5);
constexpr auto kWorkers = "/.caldera/workers"_L1; // on the volume: sent once, whatever the pod

/// Images for GPUs lack rsync as a rule, and let root install it.
void installTools(const SshSession& session, const std::stop_token& stop) {
    session.run(u"command -v rsync >/dev/null || { command -v apt-get >/dev/null && apt-get -qq "
                "update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y rsync; } "
                ">/dev/null 2>&1"_s,
                stop, {}, kToolsLimit); // what is still missing is named by checkTools()
}

QString number(double value) {
    return QString::number(value, 'f', 4);
}

} // namespace

PodHost::PodHost(PodDesk& desk, const JobFolder& folder) : desk_(desk), folder_(folder) {}

QString PodHost::job() const {
    return QString::fromStdString(folder_.path().filename().string());
}

bool PodHost::await(RemoteRecord& record, const std::stop_token& stop) {
    try {
        access_ = desk_.await(job(), stop);
    } catch (const Error&) {
        throwEnd();
    }
    const bool isNew = access_.podId != record.podId;
    QStringList keys = record.target.ssh.hostKeys;
    if (isNew && pinned_ != access_.podId) {
        keys = probeHostKeys(access_.ssh, nullptr, stop);
        pinned_ = access_.podId;
    }
    record.target.ssh = access_.ssh;
    record.target.ssh.hostKeys = keys;
    return isNew;
}

void PodHost::setUp(const HostSetUp& setUp, RemoteRecord& record,
                    const std::function<void(double)>& tell) const {
    installTools(setUp.session, setUp.stop);
    if (!access_.bundle.sha256.isEmpty()) {
        record.target.worker =
            installWorker(setUp, access_.bundle, access_.volumePath + kWorkers, tell);
    }
}

QString PodHost::environment() const {
    return "env HF_HOME="_L1 + shellWord(hubHome()) + u' ';
}

QString PodHost::hubHome() const {
    return access_.volumePath + "/huggingface"_L1;
}

QString PodHost::hubCache() const {
    return hubHome() + "/hub"_L1;
}

void PodHost::startWatchdog(const RemotePlace& place, const std::stop_token& stop) const {
    const PodWatch& watch = access_.watch;
    const QString folder = shellWord(place.folder);
    // The shell reads the key before it ends: a stream that closes with it could lose it.
    const QString command =
        u"IFS= read -r key; printf '%s\\n' \"$key\" | setsid -f %1 watch-pod %2 --pod %3 --url %4 "
        "--budget %5 --idle-minutes %6 --fetch-minutes %7 --every %8 --farewell %9 >>%2/watch.log "
        "2>&1"_s.arg(place.worker, folder, shellWord(access_.podId), shellWord(watch.api),
                     number(watch.budget), number(watch.idleMinutes), number(watch.fetchMinutes),
                     number(watch.every), number(watch.farewell));
    place.session.require(command, "remote.watchdog", stop, watch.key + '\n');
}

void PodHost::attend(const SshSession& session, const QString& folder,
                     const std::stop_token& stop) {
    if (!attended_.isValid() || attended_.elapsed() > kAttendEvery) {
        attended_.start();
        session.run(": > "_L1 + shellWord(folder + "/attended"_L1), stop);
    }
}

void PodHost::check() const {
    try {
        desk_.check(job());
    } catch (const Error&) {
        throwEnd();
    }
}

/// The rental's end, which is thrown at the moment: a person who called the job off knows why. A
/// limit of the rental calls jobs off as well, and says so.
void PodHost::throwEnd() const {
    if (folder_.cancelRequested() && !warning()) {
        throw Cancelled();
    }
    throw; // NOLINT(misc-throw-by-value-catch-by-reference): called while an Error is handled
}

/// What its log says why it stopped the pod.
PodStopReason PodHost::watchdogsReason(const RemotePlace& place,
                                       const std::stop_token& stop) const {
    const QByteArray words =
        place.session
            .run("grep 'the pod stops:' "_L1 + shellWord(place.folder + "/watch.log"_L1) +
                     " | tail -n 1"_L1,
                 stop)
            .out;
    return words.contains("budget") ? PodStopReason::Budget
           : words.contains("idle") ? PodStopReason::Idle
                                    : PodStopReason::None;
}

std::optional<PodEnd> PodHost::warning() const {
    return desk_.warning(job());
}

JobState PodHost::explained(JobState state, const RemotePlace& place,
                            const std::stop_token& stop) const {
    std::optional<PodEnd> end = warning();
    if (state.phase == "cancelled" && !end && !folder_.cancelRequested()) {
        end = podEnd(watchdogsReason(place, stop), access_.watch.cap, access_.watch.idleMinutes);
    }
    if (state.phase == "cancelled" && end) {
        state.phase = "failed";
        state.code = end->code;
        state.message = end->sentence;
    }
    return state;
}

CancelToken::CancelToken(const JobFolder& folder, const std::stop_token& outer)
    : outer_(outer, [this] { source_.request_stop(); }),
      watch_([this, folder](const std::stop_token& over) {
          std::mutex mutex;
          std::condition_variable_any changed;
          std::unique_lock lock(mutex);
          while (!over.stop_requested() && !folder.cancelRequested()) {
              changed.wait_for(lock, over, kLookEvery, [] { return false; });
          }
          if (!over.stop_requested()) {
              source_.request_stop();
          }
      }) {}

} // namespace caldera::studio
