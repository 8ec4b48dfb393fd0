// What a job on a rented pod does besides a job on any SSH host: waits for the pod, sets it up,
// leaves a watchdog there, and says that its owner is still here.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <thread>

#include <QElapsedTimer>
#include <QString>

#include "core/job/job_folder.h"
#include "widgets/remote/pod_access.h"
#include "widgets/remote/pod_record.h"
#include "widgets/remote/remote_record.h"
#include "widgets/remote/sent_script.h"

namespace caldera::studio {

class PodDesk;
class SshSession;
struct PodEnd;
struct RemotePlace;

/// Lives on the job's thread. Everything throws as SshSession, and Cancelled.
class PodHost {
public:
    /// `desk` must outlive it.
    PodHost(PodDesk& desk, const JobFolder& folder);

    /// Blocks until the job's pod can be reached, and puts its endpoint into `record`, its host key
    /// pinned when it is first seen. True when the job was never started on this pod. Throws the
    /// Error with which the rental ended.
    bool await(RemoteRecord& record, const std::stop_token& stop);
    /// Makes the pod ready for the job: tools and worker, whose path is put into `record`. `tell`
    /// hears which share of the worker was sent, where it has to be.
    void setUp(const HostSetUp& setUp, RemoteRecord& record,
               const std::function<void(double)>& tell) const;
    /// In front of the worker's command there: models are cached on the volume.
    QString environment() const;
    /// Where its worker looks for models of the hub.
    QString hubCache() const;
    /// Starts the watchdog unless it lives (PodWatchdog::ensure).
    void startWatchdog(const RemotePlace& place, const std::stop_token& stop) const;
    /// Says there that somebody still follows the job, and looks after the watchdog; now and then
    /// does something.
    void attend(const RemotePlace& place, const std::stop_token& stop);
    /// Throws when the rental has ended, Cancelled when that was asked for.
    void check() const;
    /// Why the rental will end; nothing: no limit of it is reached.
    std::optional<PodEnd> warning() const;
    /// How the job's last state is told: what a limit of the rental has cancelled, from here or by
    /// the watchdog, did not end by a wish.
    JobState explained(JobState state, const RemotePlace& place, const std::stop_token& stop) const;
    const QString& podId() const { return access_.podId; }

private:
    QString job() const;
    QString hubHome() const;
    [[noreturn]] void throwEnd() const;
    PodStopReason watchdogsReason(const RemotePlace& place, const std::stop_token& stop) const;

    PodDesk& desk_;
    JobFolder folder_;
    PodAccess access_;
    QString pinned_; ///< the pod whose host key is in the record
    QElapsedTimer attended_;
};

/// A stop token that is also stopped when the job's folder asks for a cancel.
class CancelToken {
public:
    CancelToken(const JobFolder& folder, const std::stop_token& outer);
    std::stop_token token() const { return source_.get_token(); }

private:
    std::stop_source source_;
    std::stop_callback<std::function<void()>> outer_;
    std::jthread watch_;
};

} // namespace caldera::studio
