#include "widgets/remote/pod_host.h"

#include <chrono>

#include "core/base/error.h"
#include "core/base/pause.h"
#include "widgets/remote/host_key.h"
#include "widgets/remote/pod_desk.h"
#include "widgets/remote/pod_watchdog.h"
#include "widgets/remote/remote_launch.h"
#include "widgets/remote/ssh_session.h"
#include "widgets/remote/worker_install.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(200);
constexpr auto kToolsLimit = std::chrono::minutes(5);
constexpr auto kWorkers = "/.caldera/workers"_L1; // on the volume: sent once, whatever the pod

/// Images for GPUs lack rsync as a rule, and let root install it.
void installTools(const SshSession& session, const std::stop_token& stop) {
    session.run(u"command -v rsync >/dev/null || { command -v apt-get >/dev/null && apt-get -qq "
                "update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y rsync; } "
                ">/dev/null 2>&1"_s,
                stop, {}, kToolsLimit); // what is still missing is named by checkTools()
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
    PodWatchdog(place, access_.podId, access_.watch).ensure(stop);
}

void PodHost::attend(const RemotePlace& place, const std::stop_token& stop) {
    const auto every = static_cast<qint64>(1000 * access_.watch.attendEvery);
    if (!attended_.isValid() || attended_.elapsed() > every) {
        attended_.start();
        PodWatchdog(place, access_.podId, access_.watch).attend(stop);
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

/// Why it stopped the pod.
PodStopReason PodHost::watchdogsReason(const RemotePlace& place,
                                       const std::stop_token& stop) const {
    const std::string verdict = PodWatchdog(place, access_.podId, access_.watch).sign(stop).verdict;
    return verdict == "budget" ? PodStopReason::Budget
           : verdict == "idle" ? PodStopReason::Idle
                               : PodStopReason::None;
}

std::optional<PodEnd> PodHost::warning() const {
    return desk_.warning(job());
}

JobState PodHost::explained(JobState state, const RemotePlace& place,
                            const std::stop_token& stop) const {
    // A server that is called off has nothing to finish.
    const bool isServed = state.phase == "done" && folder_.spec().kind == "serve";
    if (state.phase != "cancelled" && !isServed) {
        return state;
    }
    std::optional<PodEnd> end = warning();
    if (!end && !folder_.cancelRequested()) {
        const PodStopReason reason = watchdogsReason(place, stop);
        if (!isServed || reason != PodStopReason::None) {
            end = podEnd(reason, access_.watch.cap, access_.watch.idleMinutes);
        }
    }
    if (end) {
        state.phase = "failed";
        state.code = end->code;
        state.message = end->sentence;
    }
    return state;
}

CancelToken::CancelToken(const JobFolder& folder, const std::stop_token& outer)
    : outer_(outer, [this] { source_.request_stop(); }),
      watch_([this, folder](const std::stop_token& over) {
          while (!over.stop_requested() && !folder.cancelRequested()) {
              pauseFor(kLookEvery, over);
          }
          if (!over.stop_requested()) {
              source_.request_stop();
          }
      }) {}

} // namespace caldera::studio
