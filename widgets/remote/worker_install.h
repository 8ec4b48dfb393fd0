// Puts the worker bundle on a host.
#pragma once

#include <functional>

#include <QString>

#include "widgets/remote/pod_access.h"
#include "widgets/remote/sent_script.h"
#include "widgets/remote/target.h"

namespace caldera::studio {

/// Installs the bundle below `folder` there, which is made when missing, unless it is there whole
/// already: every file's hash, the C library and the version are compared before it counts
/// (resources/worker/install_worker.sh). The host fetches it; only where it says that it has no
/// archive of this hash the archive is sent, and `tell` hears which share of it is there. What was
/// sent stays until it is installed. Returns the program's path. Throws ConnectionError,
/// Error("remote.install"), Cancelled.
QString installWorker(const HostSetUp& setUp, const WorkerBundle& bundle, const QString& folder,
                      const std::function<void(double)>& tell);

/// Installs the target's own bundle below its folder for jobs, which the nodes of a cluster see as
/// well, and makes it the target's worker; does nothing where the target has none. Reads the bundle
/// here. Throws as installWorker, and Error("remote.bundle").
void installBundle(Target& target, const HostSetUp& setUp, const std::function<void(double)>& tell);

} // namespace caldera::studio
