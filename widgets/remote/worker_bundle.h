// The worker bundle that a person chose, with the hash that decides about it.
#pragma once

#include <QString>

#include "widgets/remote/pod_access.h"

namespace caldera::studio {

/// `file`: the archive, or the .sha256 that packaging/make_bundle.sh writes beside it; `url`: where
/// hosts fetch it, or nothing. Reads files: not on the GUI thread. Throws Error("remote.bundle").
WorkerBundle readWorkerBundle(const QString& file, const QString& url);

} // namespace caldera::studio
