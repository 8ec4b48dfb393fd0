#include "widgets/remote/pod_desk.h"

#include <QCoreApplication>

#include "core/base/error.h"
#include "core/base/pause.h"
#include "widgets/remote/pod_quote.h"

namespace caldera::studio {

namespace {

QString tr(const char* text) {
    return QCoreApplication::translate("PodDesk", text);
}

} // namespace

PodEnd podEnd(PodStopReason reason, double cap, double idleMinutes) {
    QString what = tr("The pod ended: its watchdog stopped it, or somebody at the provider did.");
    std::string code = "pod.ended";
    if (reason == PodStopReason::Budget) {
        what = tr("The pod was stopped before the job would have cost more than %1.")
                   .arg(dollarText(cap));
        code = "pod.budget";
    } else if (reason == PodStopReason::Idle) {
        what = tr("The pod was stopped because nothing happened on it for %1 minutes.")
                   .arg(idleMinutes);
        code = "pod.idle";
    } else if (reason == PodStopReason::User) {
        what = tr("The pod was stopped.");
        code = "pod.stopped";
    }
    const QString after =
        tr("%1 What is finished is on its volume. Resume rents again and goes on.").arg(what);
    return {code, after.toStdString()};
}

void PodDesk::change(const QString& job, const std::function<void(Entry&)>& how) {
    const std::scoped_lock guard(mutex_);
    how(entries_[job]);
    changed_.notify_all();
}

void PodDesk::expect(const QString& job) {
    change(job, [](Entry& entry) { entry = {}; });
}

void PodDesk::open(const QString& job, const PodAccess& access) {
    change(job, [&access](Entry& entry) { entry.access = access; });
}

void PodDesk::warn(const QString& job, const PodEnd& reason) {
    change(job, [&reason](Entry& entry) { entry.warning = reason; });
}

void PodDesk::close(const QString& job, const PodEnd& reason) {
    change(job, [&reason](Entry& entry) {
        if (!entry.end) { // why a pod is not rented again says more than why the last one ended
            entry.end = reason;
        }
    });
}

PodAccess PodDesk::await(const QString& job, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const Entry& entry = entries_[job]; // of a map: stays where it is
    changed_.wait(lock, stop, [&entry] { return entry.end || entry.access; });
    checkCancelled(stop);
    if (entry.end) {
        throw Error(entry.end->code, entry.end->sentence);
    }
    return *entry.access;
}

void PodDesk::check(const QString& job) const {
    const std::scoped_lock guard(mutex_);
    const auto found = entries_.find(job);
    if (found != entries_.end() && found->second.end) {
        throw Error(found->second.end->code, found->second.end->sentence);
    }
}

std::optional<PodEnd> PodDesk::warning(const QString& job) const {
    const std::scoped_lock guard(mutex_);
    const auto found = entries_.find(job);
    return found == entries_.end() ? std::nullopt : found->second.warning;
}

void PodDesk::setHub(const HubAccess& hub) {
    const std::scoped_lock guard(mutex_);
    hub_ = hub;
}

HubAccess PodDesk::hub() const {
    const std::scoped_lock guard(mutex_);
    return hub_;
}

} // namespace caldera::studio
