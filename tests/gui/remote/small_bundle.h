// A worker bundle whose program is a script, small enough to be packed in a test.
#pragma once

#include <QString>

#include "widgets/remote/pod_access.h"

namespace caldera::studio {

/// Packs FOLDER/NAME.tar.gz, whose caldera is the real one behind `prefix` ("A='b'", or nothing).
WorkerBundle packSmallBundle(const QString& folder, const QString& name,
                             const QString& prefix = {});

} // namespace caldera::studio
