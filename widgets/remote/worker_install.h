// Puts the worker bundle on a host.
#pragma once

#include <functional>
#include <stop_token>

#include <QString>

#include "widgets/remote/pod_access.h"
#include "widgets/remote/target.h"

namespace caldera::studio {

class SshSession;

/// Installs the bundle below `folder` there, which is made when missing, unless it is there
/// already: every file's hash, the C library and the version are compared before it counts
/// (resources/worker/install_worker.sh). The host fetches it; where that fails the archive is sent,
/// and `tell` hears which share of it is there. Returns the program's path. Throws ConnectionError,
/// Error("remote.install"), Cancelled.
QString installWorker(const SshSession& session, const WorkerBundle& bundle, const QString& folder,
                      const std::function<void(double)>& tell, const std::stop_token& stop);

/// Installs the target's own bundle below its folder for jobs, which the nodes of a cluster see as
/// well, and makes it the target's worker; does nothing where the target has none. Reads the bundle
/// here. Throws as installWorker, and Error("remote.bundle").
void installBundle(Target& target, const SshSession& session,
                   const std::function<void(double)>& tell, const std::stop_token& stop);

} // namespace caldera::studio
