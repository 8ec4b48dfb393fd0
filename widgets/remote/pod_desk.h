// Where jobs ask for their pods, and what their hosts show the hub of models: rentals and keyrings
// are driven on the window's thread, jobs on threads of their own, and only values pass here.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include <QString>

#include "widgets/remote/model_fetch.h"
#include "widgets/remote/pod_access.h"
#include "widgets/remote/pod_record.h"

namespace caldera::studio {

/// Why a job has no pod (any more): a sentence for people and its code.
struct PodEnd {
    std::string code;
    std::string sentence;
};

/// `cap` in US dollars. What is finished is on the volume, whatever the reason is.
PodEnd podEnd(PodStopReason reason, double cap, double idleMinutes);

/// Its functions may be called from any thread.
class PodDesk {
public:
    /// A pod is being rented for the job; what was said of an earlier one is forgotten.
    void expect(const QString& job);
    /// The job's pod can be reached, or at another place than before.
    void open(const QString& job, const PodAccess& access);
    /// The pod will be stopped for this reason, once its worker has ended.
    void warn(const QString& job, const PodEnd& reason);
    /// There is no pod (any more); of several reasons the first since expect() holds.
    void close(const QString& job, const PodEnd& reason);

    /// Blocks until the job's pod can be reached. Throws an Error with the code and the sentence of
    /// close(), and Cancelled on `stop`.
    PodAccess await(const QString& job, const std::stop_token& stop);
    /// Throws as await() when there is no pod any more.
    void check(const QString& job) const;
    /// What warn() said last.
    std::optional<PodEnd> warning(const QString& job) const;

    /// Who asks the hub from now on.
    void setHub(const HubAccess& hub);
    HubAccess hub() const;

private:
    struct Entry {
        std::optional<PodAccess> access;
        std::optional<PodEnd> warning;
        std::optional<PodEnd> end;
    };
    void change(const QString& job, const std::function<void(Entry&)>& how);

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<QString, Entry> entries_;
    HubAccess hub_;
};

} // namespace caldera::studio
