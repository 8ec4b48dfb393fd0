// The watchdog on a pod, as whoever rented the pod starts it and sees that it lives.
#pragma once

#include <stop_token>

#include <QString>

#include "core/job/watch_sign.h"

namespace caldera::studio {

struct PodWatch;
struct RemotePlace;

/// The watchdog of one job on one pod. Everything throws as SshSession, and Cancelled.
class PodWatchdog {
public:
    /// All of them must outlive it.
    PodWatchdog(const RemotePlace& place, const QString& podId, const PodWatch& watch)
        : place_(place), podId_(podId), watch_(watch) {}

    /// Starts it unless it lives; returns when it has looked at its pod. Throws
    /// Error("pod.watchdog") with its last words where it does not live, or may not stop the pod.
    void ensure(const std::stop_token& stop) const;
    /// Says there that somebody still follows the job. Starts the watchdog again where it is gone.
    void attend(const std::stop_token& stop) const;
    /// What it says of itself.
    WatchSign sign(const std::stop_token& stop) const;

private:
    struct Look {
        bool isAlive = false;
        WatchSign sign;
    };
    Look look(const std::stop_token& stop, const QString& first = {}) const;
    void start(const std::stop_token& stop) const;
    [[noreturn]] void fail(const std::stop_token& stop) const;
    QString file(const QString& name) const;
    QString signFile() const;

    const RemotePlace& place_;
    const QString& podId_;
    const PodWatch& watch_;
};

} // namespace caldera::studio
