// The part of the studio that runs jobs on rented pods, without a window.
#pragma once

#include <functional>

#include "widgets/jobs/job_service.h"
#include "widgets/remote/pod_jobs.h"

namespace caldera::studio {

struct PodStudioPlace {
    QString root;   ///< of everything that it keeps
    PodWatch watch; ///< with the provider's address and key
    WorkerBundle bundle;
};

/// Starts on what it finds under the root, as a studio does; quick where a real one is patient.
struct PodStudio {
    explicit PodStudio(const PodStudioPlace& place, PodJobs::Renew renew = {});

    JobService jobs;
    PodService pods;
    PodJobs podJobs;
};

/// So that tests see in moments what happens in minutes.
PodTiming shortPodTiming();

/// A wish whose volume is mounted at `volumePath`.
PodOrder cheapOrder(const QString& volumePath);

} // namespace caldera::studio
