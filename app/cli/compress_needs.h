// What `caldera compress` takes of a machine.
#pragma once

#include "app/cli/compute_options.h"
#include "app/cli/preflight_options.h"
#include "core/compress/compress.h"

namespace caldera::cli {

/// Of a request whose plan fits its model.
PlannedWork plannedWork(const CompressRequest& request, const ComputeOptions& compute);

} // namespace caldera::cli
