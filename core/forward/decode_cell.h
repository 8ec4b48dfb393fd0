// From a cell's packed bytes back to the dense weight that they stand for.
#pragma once

#include <torch/types.h>

#include "core/artifact/artifact.h"
#include "core/artifact/compressed_cell.h"

namespace caldera {

/// W = D_v Um (Q + L R) Un D_u, [rows, columns] f32 on `device`; the cell's `dense` weight when it
/// was skipped. Codes are decoded on the CPU in parallel, products are formed on the device.
torch::Tensor decodeCell(const ArtifactCell& cell, torch::Device device = torch::kCPU);

/// The packed parts of a finished cell, borrowed from it.
ArtifactCell viewOf(const CompressedCell& cell);

} // namespace caldera
